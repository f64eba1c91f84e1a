import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { agents, TestEngine } from '../../test/support/engine.ts'
import { until } from '../../test/support/api.ts'
import { stopDeployment } from '../deployments/stop-repository.ts'
import { SqliteConnection } from '../store/sqlite/connection.ts'

let engine: TestEngine
let other: SqliteConnection
beforeEach(async () => {
  engine = await TestEngine.start()
  other = new SqliteConnection(`${engine.folder}/data/agent-studio.db`)
})
afterEach(async () => {
  other.close()
  await engine.close()
})

const releases = (): unknown[] => {
  const rows = other.raw.prepare('select newest_execution_id from releases order by number').all()
  return rows.map((row) => row['newest_execution_id'])
}
const ended = (): unknown => other.raw.prepare('select newest_execution_id from deployment_counters').get()!['newest_execution_id']

const answer = { text: 'yes' }

/** Begins an execution whose model answers when it is told to, if ever. */
async function begin() {
  const { promise, resolve } = Promise.withResolvers<typeof answer>()
  const calls = engine.models.requests.length
  engine.models.replies = [() => promise, () => answer]
  const { execution_id, ...execution } = await engine.admit('here')
  const outcome = engine.dispatcher.start({ execution_id, ...execution })
  await until(async () => engine.models.requests.length > calls, 'the call of the model')
  return { execution_id, outcome, end: () => resolve(answer) }
}

async function cancelAll(): Promise<void> {
  const { cancelled } = await engine.store.write(stopDeployment, { name: 'here', environments: ['production'], mode: 'cancel', now: 1 })
  await engine.dispatcher.cancel(cancelled)
}

describe('the newest execution that is known', () => {
  it('of a deployment is the newest that ended, in whatever order they do', async () => {
    await engine.deploy('here', agents({ id: 'a' }))
    expect(ended()).toBeNull()
    const first = await engine.run('here')
    expect(ended()).toBe(first.execution.execution_id)
    const slow = await begin()
    const slower = await begin()
    const newest = await engine.run('here')
    slow.end()
    expect(await slow.outcome).toMatchObject({ status: 'completed' })
    expect(ended()).toBe(newest.execution.execution_id)
    await cancelAll()
    expect(await slower.outcome).toMatchObject({ status: 'cancelled' })
    expect(ended()).toBe(newest.execution.execution_id)
  })

  it('of a deployment may be one that was cancelled', async () => {
    await engine.deploy('here', agents({ id: 'a' }))
    await engine.run('here')
    const { execution_id } = await begin()
    await cancelAll()
    expect(ended()).toBe(execution_id)
  })

  it('of a release is kept from when the last route left it, with those in flight, until another leads to it', async () => {
    await engine.deploy('here', agents({ id: 'a' }))
    await engine.run('here')
    const { execution_id: hanging } = await begin()
    expect(releases()).toEqual([null])
    await engine.deploy('here', agents({ id: 'a', model: 'fake/other' }))
    expect(releases()).toEqual([hanging, null])
    const { execution } = await engine.run('here')
    expect(execution.release_number).toBe(2)
    other.raw.exec('update routes set release_number = 1')
    expect(releases()).toEqual([null, execution.execution_id])
    other.raw.exec('delete from routes')
    expect(releases()).toEqual([execution.execution_id, execution.execution_id])
    other.raw.exec('insert into routes (deployment_id, release_number, percent) select deployment_id, 2, 100 from deployments')
    expect(releases()).toEqual([execution.execution_id, null])
  })

  it('of a release that was left may be one that a notification began since', async () => {
    const told = { step_id: 'told', step_type: 'transform', config: { template: 'told' } }
    const connection = { source_agent_id: 'a', target_step_id: 'told', connection_type: 'notification' }
    await engine.deploy('here', { ...agents({ id: 'a' }), steps: [told], connections: [connection] })
    const parent = await begin()
    await engine.deploy('here', agents({ id: 'a', model: 'fake/other' }))
    expect(releases()).toEqual([parent.execution_id, null])
    parent.end()
    await parent.outcome
    const child = await engine.store.read
      .selectFrom('executions')
      .select('execution_id')
      .where('parent_id', '=', parent.execution_id)
      .execute()
    expect(releases()).toEqual([child[0]!.execution_id, null])
  })
})
