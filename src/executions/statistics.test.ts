import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { fillExecutions, type Filled } from '../../bench/fill.ts'
import { removeFolder, temporaryFolder } from '../../test/support/server.ts'
import { kyselyOver, SqliteConnection } from '../store/sqlite/connection.ts'
import { openDatabaseFile } from '../store/sqlite/database-file.ts'
import type { Db } from '../store/store.ts'
import type { ExecutionRow } from '../store/tables.ts'
import { inFlightOfReleases, MOST_EXECUTIONS, statisticsOf } from './statistics-repository.ts'

let folder: string
let connection: SqliteConnection
let db: Db
let filled: Filled

const until = Date.parse('2026-06-30T12:00:00Z')
const DAY = 86_400_000

beforeAll(async () => {
  folder = temporaryFolder()
  const { file, release } = await openDatabaseFile(join(folder, 'data'))
  // More than are looked at of the first, and fewer of the second.
  filled = fillExecutions(file, {
    executions: 7_000,
    deployments: 1,
    releases: 1,
    failed: 0.1,
    cancelled: 0.1,
    until,
    days: 2,
    running: 3,
    steps: 2,
  })
  fillExecutions(file, { executions: 400, deployments: 1, prefix: 'few', releases: 2, failed: 0.3, until, days: 2, steps: 2, seed: 3 })
  release()
  connection = new SqliteConnection(file)
  db = kyselyOver(connection)
})
afterAll(() => {
  connection.close()
  removeFolder(folder)
})

const rows = (where: string) =>
  connection.raw.prepare(`select * from executions where ${where} order by execution_id desc`).all() as unknown as ExecutionRow[]

/** The same figures, one by one. */
function expected(executions: readonly ExecutionRow[]) {
  const of = (status: string) => executions.filter((one) => one.status === status).length
  const durations = executions
    .filter(({ status }) => status !== 'cancelled')
    .map((one) => one.active_ms + one.ended_at! - (one.slice_started_at ?? one.ended_at!))
    .toSorted((a, b) => a - b)
  const at = (part: number) => durations[Math.ceil(durations.length * part) - 1]
  const input = executions.reduce((sum, { input_tokens }) => sum + input_tokens, 0)
  const output = executions.reduce((sum, { output_tokens }) => sum + output_tokens, 0)
  return {
    completed: of('completed'),
    failed: of('failed'),
    cancelled: of('cancelled'),
    duration_ms: { p50: at(0.5), p95: at(0.95) },
    tokens: { input, output, total: input + output },
  }
}

it('of a release are those of its executions that have ended, since a time', async () => {
  const { deployment_id } = rows(`deployment_name = 'few-1'`)[0]!
  const since = until - DAY
  const mine = rows(`deployment_name = 'few-1' and release_number = 2 and ended_at is not null and created_at >= ${since}`)
  expect(mine.length).toBeGreaterThan(50)
  expect(await statisticsOf(db, deployment_id, 2, since)).toMatchObject({ since, complete: true, ...expected(mine) })
})

it('of more executions than are looked at are those of the newest, and say since when', async () => {
  const { deployment_id } = filled.deployments[0]!
  const newest = rows(`deployment_id = '${deployment_id}' and ended_at is not null`).slice(0, MOST_EXECUTIONS)
  const statistics = await statisticsOf(db, deployment_id, 1, 0)
  expect(statistics).toMatchObject({ complete: false, ...expected(newest) })
  expect(statistics.since).toBe(newest.at(-1)!.created_at)
  expect(await statisticsOf(db, deployment_id, 1, statistics.since)).toEqual({ ...statistics, complete: true })
})

it('of none are no figures', async () => {
  expect(await statisticsOf(db, filled.deployments[0]!.deployment_id, 9, 0)).toMatchObject({ completed: 0, duration_ms: null, cost: 0 })
})

it('count what is in flight by release', async () => {
  expect([...(await inFlightOfReleases(db, filled.deployments[0]!.deployment_id))]).toEqual([[1, 3]])
})
