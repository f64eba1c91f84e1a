import { until, type Answer } from './api.ts'
import { agents, echo, fresh } from './studio.ts'

/** A POST that succeeds, and would have another effect, or fail, if it were done twice. */
export interface Post {
  path: string
  body: object
  /** How often it had its effect. Undefined where a second time would show in its answer. */
  effects?: () => Promise<number>
}

/** Those whose answer shows a secret, and so is not given twice: `test/contract/keys.test.ts` repeats them. */
export const shownOnce = ['/api/keys']

/** Those that only keys can send: `test/contract/protected.test.ts` repeats them. */
export const withKeys = ['/api/proposals/{proposal_id}/approve', '/api/proposals/{proposal_id}/reject']

type Call = (method: string, path: string, body?: object) => Promise<Pick<Answer, 'status' | 'body'>>

/**
 * One for each POST of the API, by its path in `/openapi.json`. A new route needs one here: then the tests of
 * `Idempotency-Key` hold for it as well.
 */
export const posts: Record<string, (call: Call) => Promise<Post>> = {
  '/api/workflows': async (call) => {
    const name = fresh('made')
    const effects = () => count(call, '/api/workflows?limit=1000', (one) => one['name'] === name)
    return { path: '/api/workflows', body: { name, configuration: {} }, effects }
  },
  '/api/workflows/{workflow_id}/agents': async (call) => {
    const { name: agent_id } = await made(call, '/api/agents', { name: fresh('Registered') })
    const path = await workflow(call)
    const effects = async () => (await call('GET', path)).body.workflow_agents.length - 1
    return { path: `${path}/agents`, body: { agent_id, node_id: 'added', agent_config: { model: 'demo/echo' } }, effects }
  },
  '/api/workflows/{workflow_id}/connections': async (call) => {
    const path = await workflow(call)
    const effects = async () => (await call('GET', path)).body.workflow_connections.length
    return { path: `${path}/connections`, body: { source_agent_id: 'a', target_agent_id: 'b' }, effects }
  },
  '/api/workflows/{workflow_id}/validate': async (call) => ({ path: `${await workflow(call)}/validate`, body: {} }),
  '/api/workflows/{workflow_id}/deploy': async (call) => {
    const deployment_name = fresh('deployed')
    const effects = async () => (await call('GET', `/api/workflows/deployments/${deployment_name}`)).body.release.number
    return { path: `${await workflow(call)}/deploy`, body: { deployment_name, force: true, runtime_config: { timeout: 60 } }, effects }
  },
  '/api/workflows/deployments/{deployment_name}/stop': async (call) => ({
    path: `/api/workflows/deployments/${await deployed(call)}/stop`,
    body: {},
  }),
  '/api/workflows/deployments/{deployment_name}/reactivate': async (call) => {
    const path = `/api/workflows/deployments/${await deployed(call)}`
    await made(call, `${path}/stop`)
    return { path: `${path}/reactivate`, body: {} }
  },
  '/api/workflows/deployments/{deployment_name}/rollback': async (call) => {
    const path = `/api/workflows/deployments/${await twoReleases(call)}`
    return { path: `${path}/rollback`, body: {} }
  },
  '/api/workflows/deployments/{deployment_name}/resume-deploys': async (call) => {
    const path = `/api/workflows/deployments/${await twoReleases(call)}`
    await made(call, `${path}/rollback`)
    return { path: `${path}/resume-deploys`, body: {} }
  },
  '/api/workflows/deployments/{deployment_name}/promote': async (call) => {
    const as = fresh('promoted')
    const path = `/api/workflows/deployments/${await deployed(call)}/promote`
    const effects = async () => (await call('GET', `/api/workflows/deployments/${as}/releases`)).body.length
    return { path, body: { environment: 'production', as }, effects }
  },
  '/api/workflows/deployments/{deployment_name}/executions/rerun': async (call) => {
    const deployment_name = await deployed(call)
    await made(call, '/api/workflows/execute', { deployment_name, query: 'x' })
    const effects = async () => (await call('GET', `/api/executions?deployment_name=${deployment_name}`)).body.length - 1
    return { path: `/api/workflows/deployments/${deployment_name}/executions/rerun`, body: { release: 1, status: ['completed'] }, effects }
  },
  '/api/workflows/deployments/{deployment_name}/executions/cancel': async (call) => {
    const deployment_name = await deployed(call)
    await made(call, '/api/workflows/execute/async', { deployment_name, query: 'take 600 seconds' })
    return { path: `/api/workflows/deployments/${deployment_name}/executions/cancel`, body: {} }
  },
  '/api/workflows/execute': (call) => execution(call, ''),
  '/api/workflows/execute/async': (call) => execution(call, '/async'),
  '/api/workflows/execute/stream': (call) => execution(call, '/stream'),
  '/api/workflows/{workflow_id}/execute': (call) => draft(call, ''),
  '/api/workflows/{workflow_id}/execute/async': (call) => draft(call, '/async'),
  '/api/workflows/{workflow_id}/execute/stream': (call) => draft(call, '/stream'),
  '/api/agents': async () => ({ path: '/api/agents', body: { name: fresh('Agent') } }),
  '/api/executions/{execution_id}/cancel': async (call) => {
    const query = { deployment_name: await deployed(call), query: 'take 600 seconds' }
    const { execution_id } = await made(call, '/api/workflows/execute/async', query)
    return { path: `/api/executions/${execution_id}/cancel`, body: {} }
  },
  '/api/executions/{execution_id}/signals/{name}': async (call) => {
    const { execution_id } = await made(call, '/api/workflows/execute/async', { deployment_name: await waiting(call), query: 'q' })
    return { path: `/api/executions/${execution_id}/signals/word`, body: { payload: 1 } }
  },
  '/api/executions/{execution_id}/approve': (call) => decision(call, 'approve'),
  '/api/executions/{execution_id}/reject': (call) => decision(call, 'reject'),
  '/api/executions/{execution_id}/resume': async (call) => {
    const deployment_name = await deployed(call)
    const { body: failure } = await call('POST', '/api/workflows/execute', { deployment_name, query: 'fail for good' })
    const path = `/api/executions/${failure.execution_id}`
    const effects = async () => {
      // It fails again: what was resumed a second time would have a third attempt.
      await until(async () => (await call('GET', path)).body.status === 'failed', 'the resumed execution to fail again')
      return (await call('GET', `${path}/steps`)).body.at(-1).attempts.length - 1
    }
    return { path: `${path}/resume`, body: {}, effects }
  },
}

async function count(call: Call, path: string, isOne: (item: Record<string, unknown>) => boolean): Promise<number> {
  return (await call('GET', path)).body.filter(isOne).length
}

async function made(call: Call, path: string, body: object = {}): Promise<Answer['body']> {
  const answer = await call('POST', path, body)
  if (answer.status >= 300) throw new Error(`POST ${path} gave ${answer.status}: ${JSON.stringify(answer.body)}`)
  return answer.body
}

/** @returns its path */
async function workflow(call: Call): Promise<string> {
  const { workflow_id } = await made(call, '/api/workflows', { name: fresh('workflow'), configuration: echo })
  return `/api/workflows/${workflow_id}`
}

async function deployed(call: Call): Promise<string> {
  const deployment_name = fresh('name')
  const configuration = agents({ agent_id: 'a', config: { model: 'demo/assistant' } })
  const { workflow_id } = await made(call, '/api/workflows', { name: deployment_name, configuration })
  await made(call, `/api/workflows/${workflow_id}/deploy`, { deployment_name })
  return deployment_name
}

async function twoReleases(call: Call): Promise<string> {
  const deployment_name = await deployed(call)
  const answer = await call('PATCH', `/api/workflows/deployments/${deployment_name}`, { runtime_config: { timeout: 60 } })
  if (answer.status !== 200) throw new Error(`the second release gave ${answer.status}: ${JSON.stringify(answer.body)}`)
  return deployment_name
}

/** A deployment whose executions wait for a decision. */
async function waiting(call: Call): Promise<string> {
  const deployment_name = fresh('waiting')
  const configuration = { steps: [{ step_id: 'ok', step_type: 'approval', config: {} }] }
  const { workflow_id } = await made(call, '/api/workflows', { name: deployment_name, configuration })
  await made(call, `/api/workflows/${workflow_id}/deploy`, { deployment_name })
  return deployment_name
}

async function decision(call: Call, verb: 'approve' | 'reject'): Promise<Post> {
  const { execution_id } = await made(call, '/api/workflows/execute/async', { deployment_name: await waiting(call), query: 'q' })
  const path = `/api/executions/${execution_id}`
  await until(async () => (await call('GET', path)).body.status === 'waiting', 'the execution to wait')
  return { path: `${path}/${verb}`, body: {} }
}

async function draft(call: Call, how: string): Promise<Post> {
  const path = await workflow(call)
  const effects = () => count(call, `/api/executions?workflow_id=${path.split('/').at(-1)}&test=true`, () => true)
  return { path: `${path}/execute${how}`, body: { query: 'Once, please' }, effects }
}

async function execution(call: Call, how: string): Promise<Post> {
  const deployment_name = await deployed(call)
  return {
    path: `/api/workflows/execute${how}`,
    body: { deployment_name, query: 'Once, please' },
    effects: () => count(call, `/api/executions?deployment_name=${deployment_name}`, () => true),
  }
}
