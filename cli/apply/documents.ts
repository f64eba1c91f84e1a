import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { wrongCall } from '../frame/exit.ts'
import { nearest } from '../frame/suggest.ts'
import { isObject, parseDocuments, readInput } from '../commands/inputs.ts'

export interface WorkflowObject {
  kind: 'Workflow'
  name: string
  version: string
  description?: string
  tags?: string[]
  configuration: Record<string, unknown>
}

export interface DeploymentObject {
  kind: 'Deployment'
  deployment_name: string
  environment: string
  /** The workflow by name and version. */
  workflow: { name: string; version?: string }
  runtime_config?: Record<string, unknown>
  note?: string
}

export interface VariableObject {
  kind: 'Variable'
  environment: string
  name: string
  value: string
}

/** Says that a secret must be there; its value is in no file. */
export interface SecretObject {
  kind: 'SecretRef'
  environment: string
  name: string
}

export type StudioObject = WorkflowObject | DeploymentObject | VariableObject | SecretObject

/** What each kind has; a star marks what it must have. */
const FIELDS: Record<StudioObject['kind'], readonly string[]> = {
  Workflow: ['name*', 'version', 'description', 'tags', 'configuration*'],
  Deployment: ['deployment_name*', 'environment*', 'workflow*', 'runtime_config', 'note'],
  Variable: ['environment*', 'name*', 'value*'],
  SecretRef: ['environment*', 'name*'],
}

/** The objects of a file, of all files of a folder and of those in it, or of the standard input (`-`), in that order. */
export async function readObjects(paths: readonly string[]): Promise<StudioObject[]> {
  const objects: StudioObject[] = []
  const seen = new Map<string, string>()
  for (const path of paths.flatMap(filesOf)) {
    const file = path === '-' ? 'the standard input' : path
    for (const [index, value] of (await parseDocuments(await readInput(path, 'Objects'), file)).entries()) {
      const where = `${file}, document ${index + 1}`
      const object = toObject(value, where)
      const id = idOf(object)
      if (seen.has(id)) throw wrongCall(`${id} is in ${seen.get(id)} and again in ${where}.`)
      seen.set(id, where)
      objects.push(object)
    }
  }
  if (objects.length === 0) throw wrongCall(`There are no objects in ${paths.join(', ')}.`)
  return objects
}

function filesOf(path: string): string[] {
  if (path === '-') return [path]
  return (
    namesIn(path)
      ?.filter(
        (name) => /\.(ya?ml|json)$/i.test(name) && !name.split(/[/\\]/).some((part) => part.startsWith('.') || part === 'node_modules'),
      )
      .toSorted()
      .map((name) => join(path, name)) ?? [path]
  )
}

/** Undefined where it is no folder. */
function namesIn(path: string): string[] | undefined {
  try {
    if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return undefined
    return readdirSync(path, { recursive: true, encoding: 'utf8' })
  } catch (error) {
    throw wrongCall(`${path} cannot be read: ${(error as Error).message}.`)
  }
}

/** What tells it from others. */
export function idOf(object: StudioObject): string {
  if (object.kind === 'Workflow') return `Workflow ${object.name} ${object.version}`
  if (object.kind === 'Deployment') return `Deployment ${object.deployment_name} in ${object.environment}`
  return `${object.kind} ${object.name} in ${object.environment}`
}

function toObject(value: unknown, where: string): StudioObject {
  if (!isObject(value)) throw wrongCall(`${where} is no object with a 'kind'.`)
  const kinds = Object.keys(FIELDS)
  const kind = value['kind']
  if (typeof kind !== 'string' || !Object.hasOwn(FIELDS, kind)) {
    const guess = typeof kind === 'string' ? nearest(kind, kinds) : undefined
    const what = kind === undefined ? "has no 'kind'" : `has the kind ${JSON.stringify(kind)}, which there is not`
    throw wrongCall(`${where} ${what}.`, guess === undefined ? `A kind is one of ${kinds.join(', ')}.` : `Did you mean '${guess}'?`)
  }
  if (kind === 'SecretRef' && 'value' in value)
    throw wrongCall(`${where} has the value of a secret, which belongs in no file.`, 'agent-studio secret set <name> --env <environment>')
  const fields = FIELDS[kind as StudioObject['kind']]
  const names = fields.map((name) => name.replace('*', ''))
  const unknown = Object.keys(value).find((name) => name !== 'kind' && !names.includes(name))
  if (unknown !== undefined) {
    const guess = nearest(unknown, names)
    throw wrongCall(
      `${where}: a ${kind} has no '${unknown}'.`,
      guess === undefined ? `It has ${names.join(', ')}.` : `Did you mean '${guess}'?`,
    )
  }
  const missing = fields.find((name) => name.endsWith('*') && (value[name.slice(0, -1)] ?? undefined) === undefined)
  if (missing !== undefined) throw wrongCall(`${where}: a ${kind} needs '${missing.slice(0, -1)}'.`)
  return checked(kind as StudioObject['kind'], value, where)
}

function checked(kind: StudioObject['kind'], value: Record<string, unknown>, where: string): StudioObject {
  const text = (name: string): string => {
    const one = value[name]
    if (typeof one !== 'string')
      throw wrongCall(`${where}: '${name}' is a text${typeof one === 'number' ? ', so write it in quotes' : ''}.`)
    return one
  }
  const optional = <Field extends string>(name: Field): Partial<Record<Field, string>> =>
    value[name] === undefined || value[name] === null ? {} : ({ [name]: text(name) } as Partial<Record<Field, string>>)
  if (kind === 'Workflow') {
    if (!isObject(value['configuration'])) throw wrongCall(`${where}: 'configuration' is an object.`)
    const tags = value['tags']
    if (tags !== undefined && !(Array.isArray(tags) && tags.every((tag) => typeof tag === 'string')))
      throw wrongCall(`${where}: 'tags' is a list of texts.`)
    const version = optional('version').version ?? '1.0.0'
    return {
      kind,
      name: text('name'),
      version,
      ...optional('description'),
      ...(tags !== undefined && { tags: tags as string[] }),
      configuration: value['configuration'],
    }
  }
  if (kind === 'Deployment') {
    const config = value['runtime_config']
    if (config !== undefined && !isObject(config)) throw wrongCall(`${where}: 'runtime_config' is an object.`)
    const place = { deployment_name: text('deployment_name'), environment: text('environment') }
    return {
      kind,
      ...place,
      workflow: workflowOf(value['workflow'], where),
      ...(config !== undefined && { runtime_config: config }),
      ...optional('note'),
    }
  }
  const place = { environment: text('environment'), name: text('name') }
  return kind === 'Variable' ? { kind, ...place, value: text('value') } : { kind, ...place }
}

/** `Poet`, `Poet@1.0.0`, or as the API shows it: an object with name and version. */
function workflowOf(value: unknown, where: string): DeploymentObject['workflow'] {
  if (typeof value === 'string') {
    const [, name, version] = /^(.+?)(?:@([^@]+))?$/.exec(value) ?? []
    if (name !== undefined) return { name, ...(version !== undefined && { version }) }
  }
  if (isObject(value) && typeof value['name'] === 'string') {
    const { name, version } = value
    return { name, ...(typeof version === 'string' && { version }) }
  }
  throw wrongCall(`${where}: 'workflow' is a name, name@version, or an object with both.`)
}
