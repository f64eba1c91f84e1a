import { StudioProblem } from '@agent-studio/client'
import type { Comparison } from '../commands/comparison.ts'
import type { Call } from '../frame/call.ts'
import { idOf, type SecretObject, type VariableObject } from './documents.ts'
import type { Planned, Planning } from './plan.ts'

export async function planVariable({ call, force }: Planning, object: VariableObject): Promise<Planned> {
  const { environment, name, value } = object
  const planned = { id: idOf(object), kind: object.kind, name, environment }
  const found = await orNone(call.studio.callWithTag('getVariable', { path: { environment, name } }))
  const put = (headers: Record<string, string>) =>
    call.studio.call('putVariable', { path: { environment, name }, body: { value } }, { headers })
  if (!found) {
    const act = async (): Promise<string> => {
      await put({ 'if-none-match': '*' })
      return 'created'
    }
    return { ...planned, action: 'create', summary: `will be created with ${JSON.stringify(value)}`, act }
  }
  const { answer: now, etag } = found
  if (now.value === value) return { ...planned, action: 'unchanged', summary: 'is what the file says' }
  const changes = valueChange(now.value, value)
  const difference = `${JSON.stringify(now.value)} → ${JSON.stringify(value)}`
  if (force) {
    const act = async (): Promise<string> => {
      await put(etag === null ? {} : { 'if-match': etag })
      return 'updated'
    }
    return { ...planned, action: 'update', summary: `will be changed: ${difference}`, changes, act }
  }
  const who = now.updated_by === null ? '' : ` by ${now.updated_by}`
  return { ...planned, action: 'drift', summary: `was set${who} at ${now.updated_at}; --force overwrites it: ${difference}`, changes }
}

function valueChange(before: string, after: string): Comparison {
  const none = { added: 0, removed: 0, changed: 0 }
  return {
    identical: false,
    counts: { nodes: none, connections: none, settings: 1 },
    nodes: [],
    connections: [],
    settings: [{ pointer: '/value', change: 'changed', before, after }],
    runtime_config: [],
    truncated: false,
  }
}

/** Looks whether it is there; its value is in no file. */
export async function planSecret({ call }: Planning, object: SecretObject): Promise<Planned> {
  const { environment, name } = object
  const planned = { id: idOf(object), kind: object.kind, name, environment }
  if (await secretIsThere(call, environment, name)) return { ...planned, action: 'unchanged', summary: 'is there' }
  return { ...planned, action: 'blocked', summary: `is missing: agent-studio secret set ${name} --env ${environment}` }
}

async function secretIsThere(call: Call, environment: string, name: string): Promise<boolean> {
  return (await orNone(call.studio.call('getSecret', { path: { environment, name } }))) !== undefined
}

export async function orNone<Value>(asked: Promise<Value>): Promise<Value | undefined> {
  try {
    return await asked
  } catch (error) {
    if (error instanceof StudioProblem && error.status === 404) return undefined
    throw error
  }
}
