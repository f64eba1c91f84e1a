import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { agents, TestEngine } from '../../test/support/engine.ts'
import { purgeDeleted } from '../executions/removal-repository.ts'
import { SqliteConnection } from '../store/sqlite/connection.ts'
import { deleteDeployment, reactivateDeployment } from './repository.ts'
import { rollBack } from './rollback-repository.ts'
import { stopDeployment } from './stop-repository.ts'

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

const TABLES = ['deployments', 'deployment_counters', 'releases', 'routes', 'definitions', 'executions', 'purges']
const contents = () => TABLES.map((table) => other.raw.prepare(`select * from ${table} order by 1, 2`).all())
const named = (name: string) => ({ name, environments: ['production'], now: 1 })

/** Makes every change of that kind to that table fail, as a disk or a bug might. */
function plant(table: string, change: 'insert' | 'update' | 'delete'): void {
  other.raw.exec(`create trigger planted before ${change} on ${table} begin select raise(abort, 'planted'); end`)
}
const uproot = (): void => other.raw.exec('drop trigger planted')

describe('a change that fails at any point leaves no trace', () => {
  const two = agents({ id: 'a', model: 'fake/other' })

  it.each([
    ['deployments', 'insert'],
    ['deployment_counters', 'insert'],
    ['definitions', 'insert'],
    ['releases', 'insert'],
    ['routes', 'insert'],
  ] as const)('a first deploy, at %s (%s)', async (table, change) => {
    const before = contents()
    plant(table, change)
    await expect(engine.deploy('new', two)).rejects.toMatchObject({ code: 'internal_error' })
    expect(contents()).toEqual(before)
    uproot()
    await engine.deploy('new', two)
  })

  it.each([
    ['deployments', 'update'],
    ['routes', 'delete'],
    ['definitions', 'insert'],
    ['releases', 'insert'],
    ['routes', 'insert'],
  ] as const)('a redeploy, at %s (%s): the release before it still serves', async (table, change) => {
    await engine.deploy('kept', agents({ id: 'a' }))
    const before = contents()
    plant(table, change)
    await expect(engine.deploy('kept', two)).rejects.toMatchObject({ code: 'internal_error' })
    expect(contents()).toEqual(before)
    expect(await engine.admit('kept')).toMatchObject({ release_number: 1 })
  })

  it.each([
    ['deployments', 'delete'],
    ['deployment_counters', 'delete'],
    ['releases', 'delete'],
    ['routes', 'delete'],
    ['executions', 'update'],
    ['purges', 'insert'],
  ] as const)('a delete, at %s (%s)', async (table, change) => {
    await engine.deploy('kept', agents({ id: 'a' }))
    await engine.admit('kept')
    const before = contents()
    plant(table, change)
    await expect(engine.store.write(deleteDeployment, named('kept'))).rejects.toMatchObject({ code: 'internal_error' })
    expect(contents()).toEqual(before)
  })

  it.each([
    ['deployments', 'update'],
    ['routes', 'delete'],
    ['routes', 'insert'],
    ['route_changes', 'insert'],
    ['deployment_holds', 'insert'],
    ['audit', 'insert'],
  ] as const)('a rollback, at %s (%s): the release before it still serves', async (table, change) => {
    await engine.deploy('kept', agents({ id: 'a' }))
    await engine.deploy('kept', two)
    const before = [...contents(), other.raw.prepare('select * from deployment_holds').all()]
    plant(table, change)
    const rollback = { ...named('kept'), to: undefined, reason: undefined, by: undefined }
    await expect(engine.store.write(rollBack, rollback)).rejects.toMatchObject({ code: 'internal_error' })
    expect([...contents(), other.raw.prepare('select * from deployment_holds').all()]).toEqual(before)
    expect(await engine.admit('kept')).toMatchObject({ release_number: 2 })
    uproot()
    await engine.store.write(rollBack, rollback)
    expect(await engine.admit('kept')).toMatchObject({ release_number: 1 })
  })

  it('a stop and a reactivation', async () => {
    await engine.deploy('kept', agents({ id: 'a' }))
    plant('deployments', 'update')
    await expect(engine.store.write(stopDeployment, { ...named('kept'), mode: 'drain' })).rejects.toMatchObject({ code: 'internal_error' })
    expect(await engine.admit('kept')).toMatchObject({ release_number: 1 })
    uproot()
    await engine.store.write(stopDeployment, { ...named('kept'), mode: 'drain' })
    plant('deployments', 'update')
    await expect(engine.store.write(reactivateDeployment, named('kept'))).rejects.toMatchObject({ code: 'internal_error' })
    await expect(engine.admit('kept')).rejects.toMatchObject({ code: 'deployment_inactive' })
  })
})

describe('what a delete leaves', () => {
  const count = (table: string) => Number(other.raw.prepare(`select count(*) as n from ${table}`).get()!['n'])
  const purge = async (): Promise<void> => {
    while (await engine.store.write(purgeDeleted, undefined)) expect(engine.faults).toEqual([])
  }

  it('is purged in batches, together with definitions that nothing refers to any more, and nothing else is', async () => {
    const definition = agents({ id: 'a' })
    await engine.deploy('gone', definition)
    await engine.deploy('shares', definition)
    await engine.deploy('other', agents({ id: 'b' }))
    await engine.run('shares')
    for (let index = 0; index < 5; index++) await engine.run('gone')
    const deleted = await engine.store.write(deleteDeployment, named('gone'))
    expect(deleted.cancelled).toEqual([])
    expect(count('executions')).toBe(6)

    await purge()
    expect([count('executions'), count('steps'), count('definitions')]).toEqual([1, 1, 2])
    expect(count('events')).toBe(1)

    await engine.store.write(deleteDeployment, named('shares'))
    await engine.store.write(deleteDeployment, named('other'))
    await purge()
    expect(TABLES.map(count)).toEqual([0, 0, 0, 0, 0, 0, 0])
    expect(engine.faults).toEqual([])
  })
})
