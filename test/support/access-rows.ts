import { randomUUID } from 'node:crypto'
import type { Scope } from '../../src/access/caller.ts'
import { until, type Answer } from './api.ts'
import { agents, echo, fresh } from './studio.ts'

/** Where something lies that is asked for. */
export interface Place {
  environment: string
  /** Of a deployment: what its name begins with. */
  prefix: string
}

export interface Ask {
  path: string
  body?: object
  /** What stands for the object in addresses and answers: left out where two answers are compared. */
  word?: string
  /** Of a list: what it has of the object, if it has it. */
  marker?: string
}

/** Calls with everything allowed, or with another key. @returns the body of a success */
export type Admin = (method: string, path: string, body?: object, key?: string) => Promise<Answer['body']>

export interface Row {
  scope: Scope | 'any' | 'none'
  /** Of a success; 200 where nothing else is said. */
  status?: number
  /** By what the object is somebody's own or not; absent for what belongs to nobody. */
  bound?: readonly ('environment' | 'name')[]
  /** It has no name, so it is not there for keys that are for certain names. */
  nameless?: true
  /** Makes an object in that place and says how it is asked for. */
  ask: (admin: Admin, place: Place) => Promise<Ask>
  /** Asks for one in that place that there is not; absent for lists, which say what they have. */
  missing?: (place: Place) => Ask
}

const both = ['environment', 'name'] as const
const nowhere = 'nowhere'

async function workflow(admin: Admin, configuration: object = echo): Promise<string> {
  return (await admin('POST', '/api/workflows', { name: fresh('workflow'), configuration })).workflow_id
}

async function deployed(admin: Admin, { environment, prefix }: Place, configuration?: object) {
  const deployment_name = fresh(prefix)
  const workflow_id = await workflow(admin, configuration)
  const { deployment_id } = await admin('POST', `/api/workflows/${workflow_id}/deploy`, { deployment_name, environment })
  return { deployment_name, deployment_id: deployment_id as string, workflow_id }
}

async function executed(admin: Admin, place: Place): Promise<string> {
  const { deployment_name } = await deployed(admin, place)
  return (await admin('POST', '/api/workflows/execute', { deployment_name, query: 'x' })).execution_id
}

const plain = (scope: Row['scope'], path: string, status = 200): Row => ({ scope, status, ask: async () => ({ path }) })

/** Of a workflow, which is in no environment. */
const ofWorkflow = (scope: Scope, rest: string, body?: (admin: Admin) => Promise<object>): Row => ({
  scope,
  ask: async (admin) => ({ path: `/api/workflows/${await workflow(admin)}${rest}`, ...(body && { body: await body(admin) }) }),
})

/** Of a deployment, by its name. */
const ofDeployment = (scope: Scope, rest = '', prepare?: (admin: Admin, name: string) => Promise<unknown>, body?: object): Row => {
  const path = (name: string): Ask => ({ path: `/api/workflows/deployments/${name}${rest}`, word: name, ...(body && { body }) })
  return {
    scope,
    bound: both,
    ask: async (admin, place) => {
      const { deployment_name } = await deployed(admin, place)
      await prepare?.(admin, deployment_name)
      return path(deployment_name)
    },
    missing: ({ prefix }) => path(fresh(prefix)),
  }
}

/** Another release, so that there is one to roll back to. */
const configure = (admin: Admin, name: string) => admin('PATCH', `/api/workflows/deployments/${name}`, { runtime_config: { timeout: 60 } })

/** Environments where a second key has to approve what is deployed: one is that of `own`, the other is nobody's. */
export const approving = { development: 'staging', production: 'vault' }

/** Asked for with a key of its own. @returns its id */
async function proposed(admin: Admin, { environment, prefix }: Place): Promise<string> {
  const { key } = await admin('POST', '/api/keys', { name: fresh('key'), scopes: ['deploy'] })
  const body = { deployment_name: fresh(prefix), environment: approving[environment as keyof typeof approving] }
  return (await admin('POST', `/api/workflows/${await workflow(admin)}/deploy`, body, key)).proposal.proposal_id
}

const ofProposal = (scope: Scope, rest = '', body?: object): Row => {
  const path = (id: string): Ask => ({ path: `/api/proposals/${id}${rest}`, word: id, ...(body && { body }) })
  return {
    scope,
    bound: both,
    ask: async (admin, place) => path(await proposed(admin, place)),
    missing: () => path(randomUUID()),
  }
}

const byName = (how: string, status = 200): Row => {
  const asked = (deployment_name: string): Ask => ({
    path: `/api/workflows/execute${how}`,
    body: { deployment_name, query: 'x' },
    word: deployment_name,
  })
  return {
    scope: 'execute',
    status,
    bound: both,
    ask: async (admin, place) => asked((await deployed(admin, place)).deployment_name),
    missing: ({ prefix }) => asked(fresh(prefix)),
  }
}

/** Of a workflow's draft, which has no name, but the secrets of an environment. */
const ofDraft = (how: string, status = 200): Row => {
  const asked = (workflow_id: string, environment: string): Ask => ({
    path: `/api/workflows/${workflow_id}/execute${how}`,
    body: { query: 'x', environment },
    word: environment,
  })
  return {
    scope: 'execute',
    status,
    nameless: true,
    bound: ['environment'],
    ask: async (admin, { environment }) => asked(await workflow(admin), environment),
    missing: () => asked(randomUUID(), nowhere),
  }
}

/** Of an execution, by its id. */
const ofExecution = (scope: Scope, rest = '', options: { status?: number; make?: typeof executed } = {}): Row => {
  const path = (id: string): Ask => ({ path: `/api/executions/${id}${rest}`, word: id })
  return {
    scope,
    bound: both,
    ...(options.status !== undefined && { status: options.status }),
    ask: async (admin, place) => path(await (options.make ?? executed)(admin, place)),
    missing: () => path(randomUUID()),
  }
}

async function running(admin: Admin, place: Place): Promise<string> {
  const { deployment_name } = await deployed(admin, place, agents({ agent_id: 'a', config: { model: 'demo/assistant' } }))
  return (await admin('POST', '/api/workflows/execute/async', { deployment_name, query: 'take 600 seconds' })).execution_id
}

async function failed(admin: Admin, place: Place): Promise<string> {
  const { deployment_name } = await deployed(admin, place, agents({ agent_id: 'a', config: { model: 'demo/assistant' } }))
  const { execution_id } = await admin('POST', '/api/workflows/execute/async', { deployment_name, query: 'fail for good' })
  await until(async () => (await admin('GET', `/api/executions/${execution_id}`)).status === 'failed', 'the execution to fail')
  return execution_id
}

/** One that waits for a decision. */
async function waiting(admin: Admin, place: Place): Promise<string> {
  const { deployment_name } = await deployed(admin, place, { steps: [{ step_id: 'ask', step_type: 'approval' }] })
  const { execution_id } = await admin('POST', '/api/workflows/execute/async', { deployment_name, query: 'x' })
  await until(async () => (await admin('GET', `/api/executions/${execution_id}`)).status === 'waiting', 'the execution to wait')
  return execution_id
}

const ofAgent = (scope: Scope, path: (agent: { agent_id: string; name: string }) => string, body?: object): Row => ({
  scope,
  ask: async (admin) => ({ path: path(await admin('POST', '/api/agents', { name: fresh('Agent') })), ...(body && { body }) }),
})

/** Of an API key, which reaches as far as that place. */
const ofKey = (body?: object): Row => {
  const path = (key_id: string): Ask => ({ path: `/api/keys/${key_id}`, word: key_id, ...(body && { body }) })
  return {
    scope: 'admin',
    bound: both,
    ask: async (admin, place) => path((await admin('POST', '/api/keys', keyFor(place))).key_id),
    missing: () => path('as_000000000000'),
  }
}

const keyFor = ({ environment, prefix }: Place): object => ({
  name: fresh('key'),
  scopes: ['execute'],
  environments: [environment],
  deployment_pattern: `${prefix}-*`,
})

/** Of a secret or a variable: in an environment, under a name that is nobody's. */
const ofSetting = (kind: 'secrets' | 'variables', scope: Scope, body?: object): Row => {
  const path = (environment: string, name: string): Ask => ({
    path: `/api/${kind}/${environment}/${name}`,
    ...(body && { body }),
    word: environment,
  })
  return {
    scope,
    bound: ['environment'],
    ask: async (admin, { environment }) => {
      const name = fresh('SETTING').replace('-', '_')
      await admin('PUT', `/api/${kind}/${environment}/${name}`, { value: 'what nobody knows' })
      return path(environment, name)
    },
    missing: () => path(nowhere, 'SETTING'),
  }
}

const settings = (kind: 'secrets' | 'variables', scope: Scope): Row => ({
  scope,
  bound: ['environment'],
  ask: async (admin, { environment }) => {
    const name = fresh('LISTED').replace('-', '_')
    await admin('PUT', `/api/${kind}/${environment}/${name}`, { value: 'what nobody knows' })
    return { path: `/api/${kind}?q=${name}&limit=500`, marker: `"${name}"` }
  },
})

const deployments = (path: string): Row => ({
  scope: 'workflow:read',
  bound: both,
  ask: async (admin, place) => ({ path, marker: (await deployed(admin, place)).deployment_id }),
})

const trail = (path: string): Row => ({
  scope: 'admin',
  bound: both,
  ask: async (admin, place) => ({ path, marker: (await deployed(admin, place)).deployment_id }),
})

/** One for each route, by its method and its path in the code. A route without a row fails the tests. */
export const rows: Record<string, Row> = {
  'GET /': plain('any', '/', 302),
  'GET /docs': plain('any', '/docs'),
  'GET /docs/errors': plain('any', '/docs/errors'),
  'GET /docs/style.css': plain('any', '/docs/style.css'),
  'GET /openapi.json': plain('any', '/openapi.json'),
  'GET /hc': plain('none', '/hc'),
  'GET /healthz': plain('none', '/healthz'),
  'GET /readyz': plain('none', '/readyz'),
  'GET /metrics': {
    scope: 'workflow:read',
    bound: both,
    ask: async (admin, place) => {
      const { deployment_name } = await deployed(admin, place)
      await admin('POST', '/api/workflows/execute', { deployment_name, query: 'x' })
      return { path: '/metrics', marker: `"${deployment_name}"` }
    },
  },

  'POST /api/workflows': {
    scope: 'workflow:write',
    ask: async () => ({ path: '/api/workflows', body: { name: fresh('workflow'), configuration: {} } }),
  },
  'GET /api/workflows': deployments('/api/workflows?limit=1000'),
  'GET /api/workflows/:workflow_id': {
    scope: 'workflow:read',
    bound: both,
    ask: async (admin, place) => {
      const { workflow_id, deployment_id } = await deployed(admin, place)
      return { path: `/api/workflows/${workflow_id}`, marker: deployment_id }
    },
  },
  'PUT /api/workflows/:workflow_id': ofWorkflow('workflow:write', '', async () => ({ description: 'changed' })),
  'DELETE /api/workflows/:workflow_id': ofWorkflow('workflow:write', ''),
  'POST /api/workflows/:workflow_id/agents': ofWorkflow('workflow:write', '/agents', async (admin) => ({
    agent_id: (await admin('POST', '/api/agents', { name: fresh('Agent') })).agent_id,
    node_id: fresh('node'),
  })),
  'POST /api/workflows/:workflow_id/connections': ofWorkflow('workflow:write', '/connections', async () => ({
    source_agent_id: 'a',
    target_agent_id: 'b',
  })),
  'POST /api/workflows/:workflow_id/validate': ofWorkflow('workflow:read', '/validate'),

  'POST /api/workflows/:workflow_id/deploy': {
    scope: 'deploy',
    bound: ['environment'],
    ask: async (admin, { environment, prefix }) => ({
      path: `/api/workflows/${await workflow(admin)}/deploy`,
      body: { deployment_name: fresh(prefix), environment },
      word: environment,
    }),
    missing: ({ prefix }) => ({
      path: `/api/workflows/${randomUUID()}/deploy`,
      body: { deployment_name: fresh(prefix), environment: nowhere },
      word: nowhere,
    }),
  },
  'GET /api/workflows/deployments': deployments('/api/workflows/deployments?limit=500'),
  'GET /api/workflows/deployments/active': deployments('/api/workflows/deployments/active'),
  'GET /api/workflows/deployments/:deployment_name': ofDeployment('workflow:read'),
  'POST /api/workflows/deployments/:deployment_name/stop': ofDeployment('deploy', '/stop'),
  'GET /api/workflows/deployments/:deployment_name/drain': ofDeployment('workflow:read', '/drain'),
  'POST /api/workflows/deployments/:deployment_name/reactivate': ofDeployment('deploy', '/reactivate', (admin, name) =>
    admin('POST', `/api/workflows/deployments/${name}/stop`),
  ),
  'GET /api/workflows/deployments/:deployment_name/traffic': ofDeployment('workflow:read', '/traffic'),
  'GET /api/workflows/deployments/:deployment_name/traffic/changes': ofDeployment('workflow:read', '/traffic/changes'),
  'PUT /api/workflows/deployments/:deployment_name/traffic': ofDeployment('deploy', '/traffic', undefined, {
    routes: [{ release: 1, percent: 100, tag: 'stable' }],
  }),
  'DELETE /api/workflows/deployments/:deployment_name': ofDeployment('deploy'),
  'PATCH /api/workflows/deployments/:deployment_name': ofDeployment('deploy', '', undefined, { runtime_config: { timeout: 60 } }),
  'GET /api/workflows/deployments/:deployment_name/releases': ofDeployment('workflow:read', '/releases'),
  'GET /api/workflows/deployments/:deployment_name/releases/:number': ofDeployment('workflow:read', '/releases/1'),
  'GET /api/workflows/deployments/:deployment_name/diff': ofDeployment('workflow:read', '/diff?to=1'),
  'POST /api/workflows/deployments/:deployment_name/rollback': ofDeployment('deploy', '/rollback', configure, { to: 1 }),
  'POST /api/workflows/deployments/:deployment_name/resume-deploys': ofDeployment('deploy', '/resume-deploys', undefined, {}),
  'POST /api/workflows/deployments/:deployment_name/promote': ofDeployment('deploy', '/promote', undefined, {
    environment: 'development',
    as: 'own-promoted',
  }),
  'POST /api/workflows/deployments/:deployment_name/executions/rerun': ofDeployment('execute', '/executions/rerun', undefined, {
    release: 1,
  }),
  'POST /api/workflows/deployments/:deployment_name/executions/cancel': ofDeployment('execute', '/executions/cancel', undefined, {}),

  'GET /api/proposals': {
    scope: 'workflow:read',
    bound: both,
    ask: async (admin, place) => ({ path: '/api/proposals?limit=500', marker: await proposed(admin, place) }),
  },
  'GET /api/proposals/:proposal_id': ofProposal('workflow:read'),
  'POST /api/proposals/:proposal_id/approve': ofProposal('approve', '/approve', {}),
  'POST /api/proposals/:proposal_id/reject': ofProposal('approve', '/reject', {}),

  'POST /api/workflows/execute': byName(''),
  'POST /api/workflows/execute/async': byName('/async', 202),
  'POST /api/workflows/execute/stream': byName('/stream'),
  'POST /api/workflows/:workflow_id/execute': ofDraft(''),
  'POST /api/workflows/:workflow_id/execute/async': ofDraft('/async', 202),
  'POST /api/workflows/:workflow_id/execute/stream': ofDraft('/stream'),
  'GET /api/executions': {
    scope: 'execution:read',
    bound: both,
    ask: async (admin, place) => ({ path: '/api/executions?limit=500', marker: await executed(admin, place) }),
  },
  'GET /api/executions/:execution_id': ofExecution('execution:read'),
  'GET /api/executions/:execution_id/steps': ofExecution('execution:read', '/steps'),
  'GET /api/executions/:execution_id/events': ofExecution('execution:read', '/events'),
  'POST /api/executions/:execution_id/cancel': ofExecution('execute', '/cancel', { make: running }),
  'POST /api/executions/:execution_id/resume': ofExecution('execute', '/resume', { status: 202, make: failed }),
  'DELETE /api/executions/:execution_id': ofExecution('deploy'),
  'POST /api/executions/:execution_id/signals/:name': ofExecution('execute', '/signals/go', { make: running }),
  'POST /api/executions/:execution_id/approve': ofExecution('approve', '/approve', { make: waiting }),
  'POST /api/executions/:execution_id/reject': ofExecution('approve', '/reject', { make: waiting }),
  'GET /api/approvals': {
    scope: 'execution:read',
    bound: both,
    ask: async (admin, place) => ({ path: '/api/approvals?limit=500', marker: await waiting(admin, place) }),
  },

  'POST /api/agents': { scope: 'workflow:write', ask: async () => ({ path: '/api/agents', body: { name: fresh('Agent') } }) },
  'GET /api/agents': plain('workflow:read', '/api/agents'),
  'GET /api/agents/deployment/available': plain('workflow:read', '/api/agents/deployment/available'),
  'GET /api/agents/name/:name': ofAgent('workflow:read', ({ name }) => `/api/agents/name/${name}`),
  'GET /api/agents/:agent_id': ofAgent('workflow:read', ({ agent_id }) => `/api/agents/${agent_id}`),
  'PUT /api/agents/:agent_id': ofAgent('workflow:write', ({ agent_id }) => `/api/agents/${agent_id}`, { description: 'changed' }),
  'DELETE /api/agents/:agent_id': ofAgent('workflow:write', ({ agent_id }) => `/api/agents/${agent_id}`),

  'POST /api/keys': {
    scope: 'admin',
    bound: ['environment'],
    ask: async (_admin, place) => ({ path: '/api/keys', body: keyFor(place), word: place.environment }),
    missing: (place) => ({ path: '/api/keys', body: keyFor({ ...place, environment: nowhere }), word: nowhere }),
  },
  'GET /api/keys': {
    scope: 'admin',
    bound: both,
    ask: async (admin, place) => ({ path: '/api/keys?limit=500', marker: (await admin('POST', '/api/keys', keyFor(place))).key_id }),
  },
  'GET /api/keys/:key_id': ofKey(),
  'PATCH /api/keys/:key_id': ofKey({ name: 'renamed' }),
  'DELETE /api/keys/:key_id': ofKey(),

  'GET /api/audit': trail('/api/audit?limit=500'),
  'GET /api/audit/export': trail('/api/audit/export'),

  'GET /api/secrets': settings('secrets', 'secrets'),
  'GET /api/secrets/:environment/:name': ofSetting('secrets', 'secrets'),
  'PUT /api/secrets/:environment/:name': ofSetting('secrets', 'secrets', { value: 'another that nobody knows' }),
  'DELETE /api/secrets/:environment/:name': ofSetting('secrets', 'secrets'),
  'GET /api/tools': plain('workflow:read', '/api/tools'),
  'GET /api/tools/types': plain('workflow:read', '/api/tools/types'),
  'GET /api/tools/servers': plain('workflow:read', '/api/tools/servers'),
  'GET /api/tools/servers/:name': plain('workflow:write', '/api/tools/servers/none', 404),
  'GET /api/workflows/deployments/:deployment_name/tools': ofDeployment('workflow:read', '/tools'),
  'GET /api/models': plain('workflow:read', '/api/models'),
  'GET /api/variables': settings('variables', 'workflow:read'),
  'GET /api/variables/:environment/:name': ofSetting('variables', 'workflow:read'),
  'PUT /api/variables/:environment/:name': ofSetting('variables', 'secrets', { value: 'another' }),
  'DELETE /api/variables/:environment/:name': ofSetting('variables', 'secrets'),
}
