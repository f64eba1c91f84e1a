import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fillExecutions, type Filled } from '../../bench/fill.ts'
import { removeFolder, temporaryFolder } from '../../test/support/server.ts'
import { SqliteConnection } from '../store/sqlite/connection.ts'
import { openDatabaseFile } from '../store/sqlite/database-file.ts'
import { SqliteWriter } from '../store/sqlite/writer.ts'
import { removalCommands } from './removal-repository.ts'

const until = Date.parse('2026-06-30T12:00:00Z')
const HOUR = 3_600_000

let folder: string
let connection: SqliteConnection
let writer: SqliteWriter
let filled: Filled

beforeEach(async () => {
  folder = temporaryFolder()
  const { file, release } = await openDatabaseFile(join(folder, 'data'))
  filled = fillExecutions(file, { executions: 1_000, deployments: 2, until, days: 1, running: 1 })
  release()
  connection = new SqliteConnection(file)
  writer = new SqliteWriter(connection, removalCommands)
})
afterEach(() => {
  connection.close()
  removeFolder(folder)
})

async function run<Result>(name: string, args?: unknown): Promise<Result> {
  const [reply] = await writer.commit([{ name, args }])
  if (reply && 'ok' in reply) return reply.ok as Result
  throw new Error(JSON.stringify(reply))
}

const TABLES = ['executions', 'steps', 'events', 'removed_executions', 'purges']
const one = (sql: string): number => Number(Object.values(connection.raw.prepare(sql).get()!)[0])
const rows = (): number[] => TABLES.map((table) => one(`select count(*) from ${table}`))

/** Runs a command until it says that there is no more. @returns the most rows that one of them removed, in all tables together */
async function repeat(command: () => Promise<boolean>): Promise<number> {
  let most = 0
  for (let more = true; more;) {
    const before = one('select total_changes()')
    more = await command()
    most = Math.max(most, one('select total_changes()') - before)
  }
  return most
}
const purge = (): Promise<number> => repeat(() => run<boolean>('executions.purgeDeleted'))

const expire = (ended_before: number): Promise<number> => {
  let after: string | undefined = ''
  return repeat(async () => {
    after = await run<string | undefined>('executions.purgeExpired', { ended_before, after, now: until })
    return after !== undefined
  })
}

/** Gives an execution this many events, each a row, and steps of which each holds so many bytes. */
function enlarge(execution_id: string, events: number, steps: number, bytes: number): void {
  const event = connection.prepare('insert into events values (?, ?, ?, ?)')
  const step = connection.prepare(
    `insert into steps (execution_id, step_id, position, kind, name, status, attempts, input) values (?, ?, ?, 'model', 'a', 'completed', '[]', ?)`,
  )
  connection.raw.exec('begin')
  for (let id = 10; id < 10 + events; id++) event.run(execution_id, id, id, '[]')
  for (let number = 10; number < 10 + steps; number++) step.run(execution_id, `large#${number}`, number, 'x'.repeat(bytes))
  connection.prepare('update executions set last_event_id = ? where execution_id = ?').run(10 + events, execution_id)
  connection.raw.exec('commit')
}

describe('removing', () => {
  it('takes an execution away at once and its steps and events in small commands, however many there are', async () => {
    const execution_id = filled.execution_ids.first
    enlarge(execution_id, 20_000, 300, 5_000)
    await run('executions.delete', { execution_id, now: until })
    expect(rows()).toEqual([999, 3_300, 21_000, 1, 0])
    // 500 rows, or 500 kB.
    expect(await purge()).toBeLessThan(600)
    expect(rows()).toEqual([999, 2_997, 999, 0, 0])
  })

  it('refuses what is in flight and what there is not', async () => {
    const reply = async (execution_id: string) => (await writer.commit([{ name: 'executions.delete', args: { execution_id } }]))[0]
    expect(await reply(filled.execution_ids.last)).toMatchObject({ error: { code: 'execution_running' } })
    expect(await reply('01a00000-0000-7000-8000-000000000000')).toMatchObject({ error: { code: 'execution_not_found' } })
    expect(rows()).toEqual([1_000, 3_000, 1_000, 0, 0])
  })

  it('keeps a definition as long as a release or an execution of a draft has it, and no longer', async () => {
    const [first, second] = connection.raw.prepare('select execution_id from executions where ended_at is not null limit 2').all()
    const [mine, other] = [String(first!['execution_id']), String(second!['execution_id'])]
    connection.raw.exec(`insert into definitions values ('of-drafts', '{}'), ('of-nothing', '{}');
      update executions set deployment_id = '', definition_digest = 'of-drafts' where execution_id in ('${mine}', '${other}');
      insert into purges values ('no-deployment', 1)`)
    const left = (): unknown[] =>
      connection.raw
        .prepare(`select definition_digest from definitions where definition_digest like 'of-%'`)
        .all()
        .map((row) => row['definition_digest'])
    const released = one(`select count(*) from definitions where definition_digest not like 'of-%'`)
    await purge()
    expect(left()).toEqual(['of-drafts'])
    await run('executions.delete', { execution_id: mine, now: until })
    expect(left()).toEqual(['of-drafts'])
    await run('executions.delete', { execution_id: other, now: until })
    expect(left()).toEqual([])
    expect(one('select count(*) from definitions')).toBe(released)
  })

  it('removes the definitions of drafts that have expired', async () => {
    connection.raw.exec(`insert into definitions values ('of-drafts', '{}');
      update executions set deployment_id = '', definition_digest = 'of-drafts' where ended_at is not null and execution_id like '%7'`)
    await expire(until + HOUR)
    expect(one(`select count(*) from definitions where definition_digest = 'of-drafts'`)).toBe(0)
  })

  it('purges a deleted deployment in small commands, also one with a large execution in it, and leaves all others', async () => {
    const { deployment_id } = filled.deployments[0]!
    const its = `deployment_id = '${deployment_id}'`
    connection.raw.exec(`update executions set status = 'cancelled', ended_at = ${until} where ended_at is null;
      delete from deployments where ${its}; insert into purges values ('${deployment_id}', 1)`)
    const others = one(`select count(*) from executions where not ${its}`)
    for (const offset of [3, 200]) {
      const { execution_id } = connection.prepare(`select execution_id from executions where ${its} limit 1 offset ${offset}`).get()!
      enlarge(String(execution_id), 5_000, 2, 3_000_000)
    }
    expect(await purge()).toBeLessThan(600)
    expect(rows()).toEqual([others, 3 * others, others, 0, 0])
  })

  it('removes what ended before a time, to the millisecond, and nothing that is in flight or ended later', async () => {
    const oldest = connection.prepare('select execution_id from executions order by execution_id limit 2').all()
    const [early, waiting] = oldest.map((row) => String(row['execution_id']))
    connection.raw.exec(`update executions set status = 'waiting', ended_at = null where execution_id = '${waiting}';
      update executions set ended_at = ${until + HOUR} where execution_id = '${early}'`)
    const limit = one('select ended_at from executions order by execution_id limit 1 offset 400')
    const left = one(`select count(*) from executions where ended_at is null or ended_at >= ${limit}`)
    expect(left).toBe(602)
    expect(await expire(limit)).toBeLessThan(600)
    expect(rows()).toEqual([left, 3 * left, left, 0, 0])
    await expire(until + 2 * HOUR)
    expect(connection.prepare('select status from executions').all()).toEqual([{ status: 'waiting' }, { status: 'running' }])
    expect(one('select sum(execution_count) from deployment_counters')).toBe(999)
  })
})
