import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { makeKey } from '../src/access/key-text.ts'
import type { AuditEntry } from '../src/audit/entry.ts'
import type { Deploy } from '../src/deployments/release-repository.ts'
import type { Actor } from '../src/store/origin.ts'
import type { AnyCommand } from '../src/store/sqlite/writer.ts'
import { newWorkflow } from '../src/workflows/new-workflow.ts'
import { fillExecutions } from '../bench/fill.ts'
import { TestTrail } from './support/trail.ts'

/**
 * Whatever changes something leaves an entry in the trail. Every command of the writing thread has a line here: what it writes
 * there, or why it writes nothing.
 */

let served: readonly AnyCommand[] = []
vi.mock('../src/store/sqlite/writer-thread.ts', () => ({
  serveWrites: (_port: unknown, commands: readonly AnyCommand[]) => {
    served = commands
  },
}))
await import('../src/writer.ts')
afterAll(() => vi.doUnmock('../src/store/sqlite/writer-thread.ts'))

const now = Date.parse('2026-06-30T12:00:00Z')
const at = '2026-06-30T12:00:00.000Z'
const environments = ['development', 'production']
const everywhere = { environments: null, deployment_pattern: null }
const nobodyKnows = '00000000-0000-7000-8000-000000000000'

let trail: TestTrail
let execution: { running: string; failed: string; completed: string }

beforeEach(async () => {
  trail = await TestTrail.make(served)
  const until = now - 3_600_000
  fillExecutions(trail.file, {
    executions: 10,
    deployments: 1,
    until,
    days: 1,
    running: 1,
    failed: 0,
    cancelled: 0,
  })
  const ids = trail.connection.raw.prepare('select execution_id as id from executions order by execution_id desc').all() as { id: string }[]
  execution = { running: ids[0]!.id, failed: ids[1]!.id, completed: ids[2]!.id }
  trail.connection.raw
    .prepare(
      `update executions set status = 'failed', response = null, error = '{"code":"model_failed","message":"no"}' where execution_id = ?`,
    )
    .run(execution.failed)
})
afterEach(() => trail.close())

const agent = {
  agent_id: 'a1',
  name: 'Helper',
  agent_type: 'x',
  description: null,
  config: '{"model":"demo/echo"}',
  available_for_deployment: 1,
  created_at: now,
  updated_at: now,
}
const configuration = { agents: [{ agent_id: 'one', config: { model: 'demo/echo' } }], connections: [] }
const workflow = newWorkflow({ name: 'team', configuration, tags: ['a'] }, 'w1', now)
const deployment = (overrides: Partial<Deploy> = {}): Deploy => ({
  name: 'support',
  environment: 'production',
  deployed_by: 'ann',
  runtime_config: { timeout: 60 },
  force: false,
  workflow,
  definition_digest: 'd1',
  definition: '{"agents":[]}',
  new_deployment_id: 'dep1',
  now,
  ...overrides,
})
const key = {
  ...makeKey(),
  name: 'CI',
  scopes: ['deploy'],
  environments: ['production'],
  deployment_pattern: undefined,
  expires_at: undefined,
  limits: { rate_limit: null, concurrency: null },
  must_leave_admin: false,
  now,
}
const sealed = new Uint8Array([1, 2, 3])
const setting = { environment: 'production', name: 'TOKEN', precondition: {}, force: false, now }

interface Request {
  name: string
  args: unknown
}
interface Case {
  /** What is there before. */
  given?: Request[]
  prepare?: () => void
  args: () => unknown
  /** What it adds to the trail: one entry, or several. */
  entries: object[]
  /** A change of the same kind that is refused, or changes nothing. */
  without: () => unknown
}

const full = {
  status: 'active',
  release: 1,
  definition_digest: 'd1',
  runtime_config: { timeout: 60, max_retries: 3 },
  workflow_id: 'w1',
  workflow_name: 'team',
  workflow_version: '1.0.0',
  deployed_by: 'ann',
}
const support = { type: 'deployment', id: 'dep1', name: 'support', environment: 'production' }
const deployed: Request[] = [
  { name: 'workflows.create', args: workflow },
  { name: 'deployments.deploy', args: deployment() },
]
const named = (name = 'support') => ({ name, environments, now })
const twice: Request[] = [
  ...deployed,
  { name: 'deployments.deploy', args: deployment({ definition_digest: 'd2', definition: '{"agents":[{}]}' }) },
]
const { workflow: _workflow, definition: _definition, definition_digest: _digest, ...plain } = deployment()
const target = { ...plain, name: 'promoted', environment: 'development', new_deployment_id: 'dep9' }
const proposal = {
  proposal_id: 'p1',
  kind: 'deploy',
  release: deployment({ definition_digest: 'd2', definition: '{"agents":[{}]}' }),
  warnings: [],
}
const rerun = {
  ...named('filled-1'),
  release: undefined,
  status: ['failed'],
  from: undefined,
  to: undefined,
  limit: 10,
  ids: Array.from({ length: 10 }, (_, index) => `00000000-0000-7000-8000-00000000001${index}`),
  api_key_id: null,
  deployment_pattern: null,
}
const divided = {
  ...named(),
  precondition: {},
  routes: [
    { release: 1, percent: 90 },
    { release: 2, percent: 10, tag: 'canary' },
  ],
  guard: { max_error_rate: 0.1, min_samples: 10, back_to: 1 },
}
const filled = (id: () => string) => ({
  type: 'execution',
  get id() {
    return id()
  },
  name: 'filled-1',
  environment: 'production',
})

const audited: Record<string, Case> = {
  'access.createKey': {
    args: () => key,
    entries: [
      {
        action: 'key.create',
        object: { type: 'key', id: key.key_id, name: 'CI', environment: null },
        before: null,
        after: { name: 'CI', scopes: ['deploy'], environments: ['production'], deployment_pattern: null },
      },
    ],
    without: () => ({ ...key, must_leave_admin: true }),
  },
  'access.changeKey': {
    given: [{ name: 'access.createKey', args: key }],
    args: () => ({ key_id: key.key_id, reach: everywhere, changes: { name: 'Builds', concurrency: 3 }, now }),
    entries: [
      {
        action: 'key.update',
        object: { type: 'key', id: key.key_id, name: 'Builds' },
        before: { name: 'CI', concurrency: null },
        after: { name: 'Builds', concurrency: 3 },
      },
    ],
    without: () => ({ key_id: 'as_none', reach: everywhere, changes: { name: 'Builds' }, now }),
  },
  'access.revokeKey': {
    given: [{ name: 'access.createKey', args: key }],
    args: () => ({ key_id: key.key_id, reach: everywhere, must_leave: 'nothing', now }),
    entries: [
      {
        action: 'key.revoke',
        object: { type: 'key', id: key.key_id, name: 'CI' },
        before: { revoked_at: null },
        after: { revoked_at: at },
      },
    ],
    without: () => ({ key_id: 'as_none', reach: everywhere, must_leave: 'nothing', now }),
  },
  'agents.create': {
    args: () => agent,
    entries: [
      {
        action: 'agent.create',
        object: { type: 'agent', id: 'a1', name: 'Helper', environment: null },
        before: null,
        after: { name: 'Helper', agent_type: 'x', description: null, config: { model: 'demo/echo' }, available_for_deployment: true },
      },
    ],
    without: () => ({ ...agent, agent_id: 'a2', name: 'Taken' }),
    given: [{ name: 'agents.create', args: { ...agent, agent_id: 'a0', name: 'Taken' } }],
  },
  'agents.update': {
    given: [{ name: 'agents.create', args: agent }],
    args: () => ({ agent_id: 'a1', changes: { name: 'Better', config: '{"model":"demo/assistant"}', updated_at: now } }),
    entries: [
      {
        action: 'agent.update',
        object: { type: 'agent', id: 'a1', name: 'Better' },
        before: { name: 'Helper', '/config/model': 'demo/echo' },
        after: { name: 'Better', '/config/model': 'demo/assistant' },
      },
    ],
    without: () => ({ agent_id: nobodyKnows, changes: { name: 'Better', updated_at: now } }),
  },
  'agents.delete': {
    given: [{ name: 'agents.create', args: agent }],
    args: () => ({ agent_id: 'a1', now }),
    entries: [
      {
        action: 'agent.delete',
        object: { type: 'agent', id: 'a1', name: 'Helper' },
        before: { name: 'Helper', config: { model: 'demo/echo' } },
        after: null,
      },
    ],
    without: () => ({ agent_id: nobodyKnows, now }),
  },
  'workflows.create': {
    given: [{ name: 'workflows.create', args: { ...workflow, workflow_id: 'w0', name: 'taken' } }],
    args: () => workflow,
    entries: [
      {
        action: 'workflow.create',
        object: { type: 'workflow', id: 'w1', name: 'team', environment: null },
        before: null,
        after: {
          name: 'team',
          version: '1.0.0',
          description: null,
          configuration,
          tags: ['a'],
          created_by: null,
          is_active: true,
          is_editable: true,
          revision: 1,
        },
      },
    ],
    without: () => ({ ...workflow, name: 'taken' }),
  },
  'workflows.update': {
    given: [{ name: 'workflows.create', args: workflow }],
    args: () => ({
      workflow_id: 'w1',
      changes: { description: 'new', configuration: JSON.stringify({ ...configuration, connections: [{ a: 1 }] }), updated_at: now },
    }),
    entries: [
      {
        action: 'workflow.update',
        object: { type: 'workflow', id: 'w1', name: 'team' },
        before: { description: null, revision: 1 },
        after: { description: 'new', '/configuration/connections/0': { a: 1 }, revision: 2 },
      },
    ],
    without: () => ({ workflow_id: nobodyKnows, changes: { description: 'new', updated_at: now } }),
  },
  'workflows.add': {
    given: [{ name: 'workflows.create', args: workflow }],
    args: () => ({ workflow_id: 'w1', list: 'connections', item: { source_agent_id: 'one', target_agent_id: 'two' }, now }),
    entries: [
      {
        action: 'workflow.add_connection',
        object: { type: 'workflow', id: 'w1', name: 'team' },
        before: { revision: 1 },
        after: { '/configuration/connections/0': { source_agent_id: 'one', target_agent_id: 'two' }, revision: 2 },
      },
    ],
    without: () => ({ workflow_id: 'w1', list: 'agents', item: { agent_id: 'one' }, now }),
  },
  'workflows.addAgent': {
    given: [
      { name: 'workflows.create', args: workflow },
      { name: 'agents.create', args: agent },
    ],
    args: () => ({ workflow_id: 'w1', node: { agent_id: 'a1', node_id: 'two' }, now }),
    entries: [
      {
        action: 'workflow.add_agent',
        object: { type: 'workflow', id: 'w1', name: 'team' },
        before: { revision: 1 },
        after: { '/configuration/agents/1': expect.objectContaining({ agent_id: 'two', agent_type: 'Helper' }), revision: 2 },
      },
    ],
    without: () => ({ workflow_id: 'w1', node: { agent_id: 'a1', node_id: 'one' }, now }),
  },
  'workflows.delete': {
    given: [{ name: 'workflows.create', args: workflow }],
    args: () => ({ workflow_id: 'w1', now }),
    entries: [
      {
        action: 'workflow.delete',
        object: { type: 'workflow', id: 'w1', name: 'team' },
        before: { name: 'team', configuration, revision: 1 },
        after: null,
      },
    ],
    without: () => ({ workflow_id: nobodyKnows, now }),
  },
  'deployments.deploy': {
    given: [...deployed, { name: 'deployments.stop', args: { ...named(), mode: undefined } }],
    args: () => deployment({ definition_digest: 'd2', definition: '{"agents":[{}]}', runtime_config: undefined, deployed_by: 'bob' }),
    entries: [
      {
        action: 'deployment.deploy',
        object: support,
        before: { status: 'inactive', release: 1, definition_digest: 'd1', deployed_by: 'ann' },
        after: { status: 'active', release: 2, definition_digest: 'd2', deployed_by: 'bob' },
      },
    ],
    without: () => deployment({ workflow: { ...workflow, revision: 9 } }),
  },
  'deployments.stop': {
    given: deployed,
    args: () => ({ ...named('filled-1'), mode: 'cancel' }),
    entries: [
      {
        action: 'deployment.stop',
        object: { type: 'deployment', name: 'filled-1', environment: 'production' },
        before: { status: 'active' },
        after: { status: 'inactive', mode: 'cancel', cancelled: 1 },
      },
    ],
    without: () => ({ ...named('none'), mode: undefined }),
  },
  'deployments.rollback': {
    given: twice,
    args: () => ({ ...named(), to: undefined, reason: 'wrong answers', by: 'ann' }),
    entries: [
      {
        action: 'deployment.rollback',
        object: support,
        before: { release: 2 },
        after: { release: 1, automated_deploys: 'held', reason: 'wrong answers' },
      },
    ],
    without: () => ({ ...named(), to: 2, reason: undefined, by: undefined }),
  },
  'deployments.resumeDeploys': {
    given: [...twice, { name: 'deployments.rollback', args: { ...named(), to: undefined, reason: undefined, by: undefined } }],
    args: () => named(),
    entries: [
      {
        action: 'deployment.resume_deploys',
        object: support,
        before: { automated_deploys: 'held' },
        after: { automated_deploys: 'resumed' },
      },
    ],
    without: () => named('filled-1'),
  },
  'deployments.configure': {
    given: deployed,
    args: () => ({ ...named(), precondition: {}, changes: { timeout: 90 }, changed_by: 'bob', note: 'slower' }),
    entries: [
      {
        action: 'deployment.deploy',
        object: support,
        before: { release: 1, '/runtime_config/timeout': 60 },
        after: { release: 2, '/runtime_config/timeout': 90, note: 'slower' },
      },
    ],
    without: () => ({ ...named(), precondition: { match: ['"0-0"'] }, changes: { timeout: 90 }, changed_by: null, note: undefined }),
  },
  'deployments.promote': {
    given: deployed,
    args: () => ({ source: { deployment_id: 'dep1', release: 1 }, target, warnings: [] }),
    entries: [
      {
        action: 'deployment.deploy',
        object: { type: 'deployment', id: 'dep9', name: 'promoted', environment: 'development' },
        before: null,
        after: { release: 1, definition_digest: 'd1', made_from: { deployment_name: 'support', environment: 'production', release: 1 } },
      },
    ],
    without: () => ({ source: { deployment_id: 'none', release: 1 }, target, warnings: [] }),
  },
  'proposals.create': {
    given: deployed,
    args: () => proposal,
    entries: [
      {
        action: 'proposal.create',
        object: { type: 'proposal', id: 'p1', name: 'support', environment: 'production' },
        before: null,
        after: { kind: 'deploy', runtime_config: { timeout: 60, max_retries: 3 } },
      },
    ],
    without: () => ({ ...proposal, precondition: { match: ['"0-0"'] } }),
  },
  'proposals.approve': {
    given: [...deployed, { name: 'proposals.create', args: proposal }],
    args: () => ({ proposal_id: 'p1', reason: 'read it', now }),
    entries: [
      {
        action: 'deployment.deploy',
        object: support,
        before: { release: 1, definition_digest: 'd1' },
        after: { release: 2, definition_digest: 'd2', proposal_id: 'p1', requested_by: 'server', requested_by_key: '', reason: 'read it' },
      },
    ],
    without: () => ({ proposal_id: 'p1', reason: undefined, now: now + 100 * 3_600_000 }),
  },
  'proposals.reject': {
    given: [...deployed, { name: 'proposals.create', args: proposal }],
    args: () => ({ proposal_id: 'p1', reason: 'no', now }),
    entries: [
      {
        action: 'proposal.reject',
        object: { type: 'proposal', id: 'p1', name: 'support', environment: 'production' },
        before: { status: 'pending' },
        after: { status: 'rejected', reason: 'no' },
      },
    ],
    without: () => ({ proposal_id: 'p2', reason: 'no', now }),
  },
  'deployments.rerun': {
    args: () => rerun,
    entries: [
      {
        action: 'deployment.rerun',
        object: { type: 'deployment', name: 'filled-1', environment: 'production' },
        before: {},
        after: { rerun: 1, status: ['failed'] },
      },
    ],
    without: () => ({ ...rerun, release: 99 }),
  },
  'deployments.cancelExecutions': {
    args: () => ({ ...named('filled-1'), release: undefined, status: ['running'], from: undefined, to: undefined, limit: 10 }),
    entries: [
      {
        action: 'deployment.cancel_executions',
        object: { type: 'deployment', name: 'filled-1', environment: 'production' },
        before: {},
        after: { cancelled: 1, status: ['running'] },
      },
    ],
    without: () => ({ ...named('filled-1'), release: 99, status: ['running'], from: undefined, to: undefined, limit: 10 }),
  },
  'deployments.setTraffic': {
    given: [...deployed, { name: 'deployments.deploy', args: deployment({ force: true }) }],
    args: () => ({ ...divided, reason: 'a try' }),
    entries: [
      {
        action: 'deployment.traffic',
        object: support,
        before: { traffic: '100 % to release 2', guard: null },
        after: { traffic: '90 % to release 1, 10 % to release 2 (canary)', guard: divided.guard, reason: 'a try' },
      },
    ],
    without: () => ({ ...divided, routes: [{ release: 2, percent: 100 }], guard: undefined }),
  },
  'deployments.withdraw': {
    given: [
      ...deployed,
      { name: 'deployments.deploy', args: deployment({ force: true }) },
      { name: 'deployments.setTraffic', args: divided },
    ],
    args: () => {
      const counts = { present: { samples: 3, errors: 2, slow: 0, cost: 0 }, before: { samples: 0, errors: 0, slow: 0, cost: 0 } }
      trail.connection.raw.prepare('update guards set counts = ?').run(JSON.stringify(counts))
      return { deployment_id: 'dep1', now }
    },
    entries: [
      {
        action: 'deployment.guard',
        object: support,
        before: { traffic: '90 % to release 1, 10 % to release 2 (canary)' },
        after: {
          traffic: '100 % to release 1, 0 % to release 2 (canary)',
          reason: 'Release 2 passed max_error_rate: 2 of 3 executions failed, and 10 % may. Its executions go to release 1 again.',
        },
      },
    ],
    without: () => ({ deployment_id: 'dep1', now }),
  },
  'deployments.keepDeadline': {
    given: [{ name: 'deployments.stop', args: { ...named('filled-1'), mode: 'drain', deadline: 60, now: now - 60_000 } }],
    args: () => now,
    entries: [
      {
        action: 'deployment.deadline',
        object: { type: 'deployment', name: 'filled-1', environment: 'production' },
        before: null,
        after: { mode: 'drain', deadline: at, cancelled: 1 },
      },
    ],
    without: () => now - 1,
  },
  'deployments.reactivate': {
    given: [...deployed, { name: 'deployments.stop', args: { ...named('filled-1'), mode: 'freeze' } }],
    args: () => named('filled-1'),
    entries: [
      {
        action: 'deployment.reactivate',
        object: { type: 'deployment', name: 'filled-1', environment: 'production' },
        before: { status: 'inactive' },
        after: { status: 'active', thawed: 1 },
      },
    ],
    without: () => named(),
  },
  'deployments.delete': {
    given: deployed,
    args: () => named(),
    entries: [{ action: 'deployment.delete', object: support, before: { ...full, execution_count: 0, error_count: 0 }, after: null }],
    without: () => named('none'),
  },
  'example.insert': {
    args: () => ({ agents: [agent], workflow, deploy: deployment() }),
    entries: [
      { action: 'agent.create', object: { type: 'agent', id: 'a1', name: 'Helper' } },
      { action: 'workflow.create', object: { type: 'workflow', id: 'w1', name: 'team' } },
      { action: 'deployment.deploy', object: support, before: null, after: full },
    ],
    // Its workflow is not the one that its deploy speaks of.
    without: () => ({ agents: [agent], workflow, deploy: deployment({ workflow: { ...workflow, revision: 2 } }) }),
  },
  'executions.cancel': {
    args: () => ({ execution_id: execution.running, now }),
    entries: [
      {
        action: 'execution.cancel',
        object: filled(() => execution.running),
        before: { status: 'running' },
        after: { status: 'cancelled' },
      },
    ],
    without: () => ({ execution_id: execution.completed, now }),
  },
  'executions.decide': {
    prepare: () => {
      trail.connection.raw
        .prepare(
          `insert into steps (execution_id, step_id, position, kind, name, status, attempts) values (?, 'check', 99, 'approval', 'Check', 'running', '[]')`,
        )
        .run(execution.running)
    },
    args: () => ({ execution_id: execution.running, step_id: 'check', decision: 'rejected', comment: 'too much', now }),
    entries: [
      {
        action: 'execution.reject',
        object: filled(() => execution.running),
        before: null,
        after: { step_id: 'check', comment: 'too much' },
      },
    ],
    without: () => ({ execution_id: execution.running, step_id: 'other', decision: 'approved', now }),
  },
  'executions.resume': {
    args: () => ({ execution_id: execution.failed, now }),
    entries: [
      {
        action: 'execution.resume',
        object: filled(() => execution.failed),
        before: { status: 'failed', error: 'model_failed' },
        after: { status: 'queued', error: null },
      },
    ],
    without: () => ({ execution_id: execution.completed, now }),
  },
  'executions.delete': {
    args: () => ({ execution_id: execution.completed, now }),
    entries: [
      { action: 'execution.delete', object: filled(() => execution.completed), before: { status: 'completed', release: 2 }, after: null },
    ],
    without: () => ({ execution_id: execution.running, now }),
  },
  'executions.purgeExpired': {
    args: () => ({ ended_before: now, after: '', now }),
    entries: [{ action: 'execution.expire', object: { type: 'execution', id: '', name: null }, before: null, after: { ended_before: at } }],
    without: () => ({ ended_before: 1, after: '', now }),
  },
  'secrets.put': {
    args: () => ({ ...setting, key_id: 'k1', sealed }),
    entries: [
      {
        action: 'secret.put',
        object: { type: 'secret', id: 'production/TOKEN', name: 'TOKEN', environment: 'production' },
        before: null,
        after: { version: 1, key_id: 'k1' },
      },
    ],
    without: () => ({ ...setting, key_id: 'k1', sealed, precondition: { match: ['*'] }, name: 'OTHER' }),
  },
  'secrets.delete': {
    given: [{ name: 'secrets.put', args: { ...setting, key_id: 'k1', sealed } }],
    args: () => setting,
    entries: [
      { action: 'secret.delete', object: { type: 'secret', id: 'production/TOKEN' }, before: { version: 1, key_id: 'k1' }, after: null },
    ],
    without: () => ({ ...setting, name: 'OTHER' }),
  },
  'secrets.reseal': {
    given: [{ name: 'secrets.put', args: { ...setting, key_id: 'k1', sealed } }],
    args: () => ({ secrets: [{ environment: 'production', name: 'TOKEN', version: 1, old_key_id: 'k1', key_id: 'k2', sealed }], now }),
    entries: [
      { action: 'secret.rotate', object: { type: 'secret', id: 'production/TOKEN' }, before: { key_id: 'k1' }, after: { key_id: 'k2' } },
    ],
    without: () => ({ secrets: [{ environment: 'production', name: 'TOKEN', version: 7, old_key_id: 'k1', key_id: 'k2', sealed }], now }),
  },
  'variables.put': {
    given: [{ name: 'variables.put', args: { ...setting, value: 'old' } }],
    args: () => ({ ...setting, value: 'new' }),
    entries: [
      {
        action: 'variable.put',
        object: { type: 'variable', id: 'production/TOKEN', name: 'TOKEN', environment: 'production' },
        before: { version: 1, value: 'old' },
        after: { version: 2, value: 'new' },
      },
    ],
    without: () => ({ ...setting, value: 'new', precondition: { noneMatch: ['*'] } }),
  },
  'variables.delete': {
    given: [{ name: 'variables.put', args: { ...setting, value: 'old' } }],
    args: () => setting,
    entries: [
      {
        action: 'variable.delete',
        object: { type: 'variable', id: 'production/TOKEN' },
        before: { version: 1, value: 'old' },
        after: null,
      },
    ],
    without: () => ({ ...setting, name: 'OTHER' }),
  },
}

const unaudited: Record<string, string> = {
  'access.noteUse': 'what was done with a key is in the entries that name it, and in the executions',
  'executions.purgeDeleted': 'a deployment or an execution was deleted before, which has an entry',
  'executions.signal': 'a word to an execution is kept with it, as what it was asked is',
  'idempotency.answer': 'keeps an answer; the change that it tells of has an entry',
  'idempotency.purge': 'answers that are kept no longer are no object of anybody',
  'journal.admit': 'the execution is its own record, with the key that it was started with',
  'journal.append': 'the execution is its own record',
  'journal.beginSlice': 'the execution is its own record',
  'journal.rest': 'the execution is its own record',
  'operations.probe': 'tries whether anything can be written',
  'webhooks.attempt': 'whether a word about an execution has arrived is kept with it',
  'store.giveBackPages': 'moves free room, and no data',
}

const actor: Actor = { key_id: 'as_0', name: null, address: '10.0.0.1' }

/** What a request adds to the trail. */
async function added(request: Request, by: Actor): Promise<{ entries: AuditEntry[]; isRefused: boolean }> {
  const before = trail.entries().length
  const [reply] = await trail.commit([request], by)
  if (reply && 'error' in reply && reply.cause) throw new Error(reply.cause)
  return { entries: trail.entries().slice(before), isRefused: 'error' in reply! }
}

describe('every command', () => {
  it('leaves an entry in the trail, or has a reason why not', () => {
    const names = served.map(({ name }) => name).toSorted()
    expect(names).toEqual([...Object.keys(audited), ...Object.keys(unaudited)].toSorted())
  })

  describe.each(Object.entries(audited))('%s', (name, { given = [], prepare, args, entries, without }) => {
    beforeEach(async () => {
      prepare?.()
      for (const request of given) await trail.run(request.name, request.args)
    })
    // A key is made by a command on the machine, since the key that asks would have to be there.
    const by = name.startsWith('access.') ? { ...actor, key_id: '' } : actor

    it('says who, when, what it was and what it is', async () => {
      const { entries: made } = await added({ name, args: args() }, by)
      expect(made).toHaveLength(entries.length)
      for (const [index, entry] of entries.entries()) expect(made[index]).toMatchObject({ at, actor: by, ...entry })
      expect((await trail.verify()).bad).toBeUndefined()
    })

    it('says nothing of what did not happen', async () => {
      const { entries: made } = await added({ name, args: without() }, by)
      expect(made).toEqual([])
    })
  })
})

describe('what changes nothing leaves no entry', () => {
  const repeated: [string, Request[], Request][] = [
    ['a deploy of what serves', deployed, { name: 'deployments.deploy', args: deployment({ new_deployment_id: 'dep2' }) }],
    [
      'a stop of what is stopped',
      [...deployed, { name: 'deployments.stop', args: { ...named(), mode: undefined } }],
      { name: 'deployments.stop', args: { ...named(), mode: 'cancel' } },
    ],
    [
      'a revocation of what is revoked',
      [
        { name: 'access.createKey', args: key },
        { name: 'access.revokeKey', args: { key_id: key.key_id, reach: everywhere, must_leave: 'nothing', now } },
      ],
      { name: 'access.revokeKey', args: { key_id: key.key_id, reach: everywhere, must_leave: 'nothing', now: now + 1 } },
    ],
    [
      'an example that was set up before',
      [{ name: 'example.insert', args: { agents: [agent], workflow, deploy: deployment() } }],
      { name: 'example.insert', args: { agents: [agent], workflow, deploy: deployment() } },
    ],
  ]
  it.each(repeated)('%s', async (_, given, request) => {
    for (const one of given) await trail.run(one.name, one.args)
    expect(await added(request, { ...actor, key_id: '' })).toEqual({ entries: [], isRefused: false })
  })

  it('a stop has one where it cancels what a stop before left in flight', async () => {
    await trail.run('deployments.stop', { ...named('filled-1'), mode: 'drain' })
    const { entries } = await added({ name: 'deployments.stop', args: { ...named('filled-1'), mode: 'cancel' } }, actor)
    expect(entries).toMatchObject([{ before: {}, after: { mode: 'cancel', cancelled: 1 } }])
  })

  it('a sweep of what has expired has one entry, however many commands it takes', async () => {
    await trail.run('executions.cancel', { execution_id: execution.running, now: now - 5 })
    trail.connection.raw.exec('create temp table kept as select * from executions')
    const sweep = { name: 'executions.purgeExpired', args: { ended_before: now, after: '', now } }
    expect((await added(sweep, actor)).entries).toHaveLength(1)
    trail.connection.raw.exec('insert into executions select * from kept')
    expect((await added(sweep, actor)).entries).toHaveLength(0)
  })
})

it('keeps the trail of what was deleted', async () => {
  for (const { name, args } of deployed) await trail.run(name, args)
  await trail.run('deployments.stop', { ...named(), mode: undefined })
  await trail.run('deployments.delete', named())
  await trail.run('workflows.delete', { workflow_id: 'w1', now })
  while (await trail.run('executions.purgeDeleted', undefined));
  const actions = trail.entries().map(({ action, object }) => `${action} ${object.name}`)
  expect(actions).toEqual([
    'workflow.create team',
    'deployment.deploy support',
    'deployment.stop support',
    'deployment.delete support',
    'workflow.delete team',
  ])
})
