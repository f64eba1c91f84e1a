import { referencesInExpression, referencesInText, type Reference } from './references.ts'

/** A reference and where it stands. */
export interface Mention extends Reference {
  /** RFC 6901, into the configuration. */
  pointer: string
  /** Whether what stands there is sent to whom it concerns and kept nowhere. */
  takesSecrets: boolean
}

/** The part of a JSON Schema that says which fields take secrets. */
export interface FieldSchema {
  /** The field takes secrets, and so does everything in it. */
  'x-secrets'?: boolean
  /** Nothing in the field is a template. */
  'x-plain'?: boolean
  properties?: Readonly<Record<string, FieldSchema>>
  additionalProperties?: boolean | FieldSchema
  items?: FieldSchema
}

/** What steps and tools take, by their types. */
export interface FieldSchemas {
  ofStep(type: string): FieldSchema | undefined
  ofTool(type: string): FieldSchema | undefined
}

/** Steps whose config is that of an agent. */
const agentSteps: ReadonlySet<string> = new Set(['agent', 'agent_execution'])

const agentConfig: FieldSchema = { properties: { api_key: { 'x-secrets': true }, tools: { 'x-plain': true } } }

/** Fields that hold an expression as it is, not a text with expressions in it. */
const expressions = new Set(['expression', 'condition', 'when', 'until'])

type Fields = Record<string, unknown>

/**
 * All references in the configs of nodes and in the conditions of connections. What else a configuration holds is nobody's
 * template.
 */
export function findReferences(configuration: unknown, schemas: FieldSchemas): Mention[] {
  const found: Mention[] = []
  for (const { config, pointer } of agentConfigsIn(configuration)) {
    collect(config, agentConfig, pointer, found)
    for (const { node, pointer: at } of nodesIn(config, 'tools')) {
      collect(node, (typeof node['type'] === 'string' && schemas.ofTool(node['type'])) || {}, pointer + at, found)
    }
  }
  for (const { node, pointer } of nodesIn(configuration, 'steps')) {
    const { step_type: type, config } = node
    if (typeof type === 'string' && agentSteps.has(type)) continue
    collect(config, (typeof type === 'string' && schemas.ofStep(type)) || {}, `${pointer}/config`, found)
  }
  for (const { node, pointer } of nodesIn(configuration, 'connections')) collect(node['conditions'], {}, `${pointer}/conditions`, found)
  return found
}

/** What the agents of a configuration, and its steps that are agents, say of themselves. */
export function agentConfigsIn(configuration: unknown): { config: unknown; pointer: string }[] {
  const steps = nodesIn(configuration, 'steps').filter(({ node }) => agentSteps.has(node['step_type'] as string))
  return [...nodesIn(configuration, 'agents'), ...steps].map(({ node, pointer }) => ({
    config: node['config'],
    pointer: `${pointer}/config`,
  }))
}

function collect(value: unknown, schema: FieldSchema, pointer: string, found: Mention[], key = ''): void {
  if (schema['x-plain']) return
  if (typeof value === 'string') {
    const references = expressions.has(key) ? referencesInExpression(value) : referencesInText(value)
    for (const one of references) found.push({ ...one, pointer, takesSecrets: schema['x-secrets'] === true })
  } else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) collect(item, inner(schema, schema.items), `${pointer}/${index}`, found, key)
  } else if (isFields(value)) {
    const { properties = {}, additionalProperties: others } = schema
    for (const [name, item] of Object.entries(value)) {
      const own = Object.hasOwn(properties, name) ? properties[name] : typeof others === 'object' ? others : undefined
      collect(item, inner(schema, own), `${pointer}/${escaped(name)}`, found, name)
    }
  }
}

/** What is inside of something that takes secrets takes them. */
function inner(outer: FieldSchema, own: FieldSchema | undefined): FieldSchema {
  return outer['x-secrets'] ? outer : (own ?? {})
}

function nodesIn(configuration: unknown, key: string): { node: Fields; pointer: string }[] {
  const list = isFields(configuration) ? configuration[key] : undefined
  if (!Array.isArray(list)) return []
  return list.flatMap((node: unknown, index) => (isFields(node) ? [{ node, pointer: `/${key}/${index}` }] : []))
}

function escaped(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1')
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
