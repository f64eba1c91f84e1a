import { isObject, type Definition } from '../graph/definition.ts'
import { TemplateCompiler } from '../graph/step-compiler.ts'
import { compileTools } from '../tools/compile-tools.ts'
import { builtInNames } from '../tools/built-in.ts'
import { METHODS } from '../tools/http-request.ts'
import type { Tool } from '../tools/tool.ts'

export interface ToolView {
  name: string
  description: string
  source: { type: 'builtin' | 'http' | 'openapi' | 'mcp'; url?: string; server?: string }
  parameters: Record<string, unknown>
  access: 'read' | 'write'
}

export interface AgentToolView extends ToolView {
  agent_id: string
  approval: 'never' | 'always' | 'writes'
}

/** Those that every agent may have. What `http_request` may do, its agent's config says. */
export function builtInTools(): ToolView[] {
  return builtInNames.map((name) => {
    if (name !== 'http_request') return viewsOf(name)[0]!
    const [view] = viewsOf({ type: 'builtin', name, allowed_hosts: ['example.com'], methods: METHODS })
    return {
      ...view!,
      description: 'Sends an HTTP request to the hosts that the agent’s config allows, and gives status and body of the answer.',
    }
  })
}

/** The tools that the agents of a release have, in the order in which they stand in it. */
export function toolsOfDefinition({ agents, steps = [] }: Definition): AgentToolView[] {
  const nodes = [
    ...agents.map(({ agent_id, config }) => ({ id: agent_id, config: config as Record<string, unknown> })),
    ...steps.filter(({ step_type }) => step_type === 'agent').map(({ step_id, config }) => ({ id: step_id, config })),
  ]
  return nodes.flatMap(({ id, config }) => {
    const items = Array.isArray(config['tools']) ? config['tools'] : []
    return items.flatMap((item) => viewsOf(item).map((view) => ({ agent_id: id, ...view, approval: approvalOf(config, item) })))
  })
}

/** The tool's own word counts before the agent's. */
function approvalOf({ approval = 'writes' }: Record<string, unknown>, item: unknown): AgentToolView['approval'] {
  const own = isObject(item) ? item['approval'] : undefined
  if (typeof own === 'boolean') return own ? 'always' : 'never'
  return approval as AgentToolView['approval']
}

/** @param item of an agent's `tools`, as a release has it */
export function viewsOf(item: unknown): ToolView[] {
  const compiler = new TemplateCompiler('', (pointer, code, message) => {
    throw new Error(`a tool of a release, at ${pointer}: ${code}, ${message}`)
  })
  const source = sourceOf(item)
  return compileTools([item], compiler).map((tool) => ({
    name: tool.name,
    description: tool.description,
    source,
    parameters: { ...tool.parameters },
    access: mayWrite(tool) ? 'write' : 'read',
  }))
}

/** Of a tool whose method the model chooses, each counts. */
function mayWrite(tool: Tool): boolean {
  const methods = (tool.parameters['properties'] as { method?: { enum?: unknown } } | undefined)?.method?.enum
  const calls = Array.isArray(methods) ? methods.map((method: unknown) => ({ method })) : [{}]
  return calls.some((call) => tool.writes(call))
}

function sourceOf(item: unknown): ToolView['source'] {
  if (!isObject(item)) return { type: 'builtin' }
  const { type, url, server } = item
  return {
    type: type as ToolView['source']['type'],
    ...(typeof url === 'string' && { url }),
    ...(type === 'mcp' && typeof server === 'string' && { server }),
  }
}
