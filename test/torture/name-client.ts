import { call, type Answer } from '../support/api.ts'
import type { Input, Output } from './deployment-model.ts'

/** One call of a client that works on one name. */
export function send(url: string, name: string, workflows: readonly string[], input: Input, query = 'which?'): Promise<Answer> {
  switch (input.kind) {
    case 'deploy':
      return call(url, 'POST', `/api/workflows/${workflows[input.variant]!}/deploy`, { deployment_name: name })
    case 'execute':
      return call(url, 'POST', '/api/workflows/execute', { deployment_name: name, query })
    case 'list':
      return call(url, 'GET', '/api/workflows/deployments/active')
    case 'delete':
      return call(url, 'DELETE', `/api/workflows/deployments/${name}`)
    case 'promote':
      return call(url, 'POST', `/api/workflows/deployments/${sourceOf(input.variant)}/promote`, { environment: 'production', as: name })
    case 'rollback':
      return call(url, 'POST', `/api/workflows/deployments/${name}/rollback`, { to: input.to })
    case 'traffic':
      return call(url, 'PUT', `/api/workflows/deployments/${name}/traffic`, { routes: input.routes })
    case 'freeze':
      return call(url, 'POST', `/api/workflows/deployments/${name}/stop`, { mode: 'freeze' })
    case 'stop':
    case 'reactivate':
      return call(url, 'POST', `/api/workflows/deployments/${name}/${input.kind}`)
  }
}

/** The deployment in development that is promoted under the name. */
export const sourceOf = (variant: number): string => `source-${variant}`

/** Those whose answers speak of no release; that of a change of the traffic shows the routes as they are by then. */
const SILENT: ReadonlySet<Input['kind']> = new Set(['stop', 'freeze', 'delete', 'traffic'])

/** What is refused without a change. */
const REFUSALS: Partial<Record<Input['kind'], readonly number[]>> = { rollback: [409, 422], traffic: [422] }

/** Undefined where the answer does not say what happened to the name: an execution that a delete cancelled was admitted. */
export function readOutput({ status, body }: Answer, name: string, { kind }: Input): Output | undefined {
  if (status === 404) return { status, release: 0 }
  if (kind === 'execute' && status === 409) return undefined
  if (REFUSALS[kind]?.includes(status)) return { status, release: 0 }
  if (status !== 200) throw new Error(`${kind} was answered with ${status}: ${JSON.stringify(body)}`)
  if (kind === 'list') {
    const found = (body as { deployment_name: string; release: { number: number } }[]).find((one) => one.deployment_name === name)
    return { status, release: found?.release.number ?? 0 }
  }
  if (kind === 'execute') return { status, release: body.release }
  return { status, release: SILENT.has(kind) ? 0 : body.release.number }
}
