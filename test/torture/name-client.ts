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
    case 'stop':
    case 'reactivate':
      return call(url, 'POST', `/api/workflows/deployments/${name}/${input.kind}`)
  }
}

/** Undefined where the answer does not say what happened to the name: an execution that a delete cancelled was admitted. */
export function readOutput({ status, body }: Answer, name: string, { kind }: Input): Output | undefined {
  if (status === 404) return { status, release: 0 }
  if (kind === 'execute' && status === 409) return undefined
  if (status !== 200) throw new Error(`${kind} was answered with ${status}: ${JSON.stringify(body)}`)
  if (kind === 'list') {
    const found = (body as { deployment_name: string; release: { number: number } }[]).find((one) => one.deployment_name === name)
    return { status, release: found?.release.number ?? 0 }
  }
  if (kind === 'execute') return { status, release: body.release }
  return { status, release: kind === 'stop' || kind === 'delete' ? 0 : body.release.number }
}
