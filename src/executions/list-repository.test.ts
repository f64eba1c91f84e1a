import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fillExecutions, type Filled } from '../../bench/fill.ts'
import { removeFolder, temporaryFolder } from '../../test/support/server.ts'
import { everywhere, reaches as sees, type Reach } from '../access/caller.ts'
import { firstIdAt } from '../clock.ts'
import { kyselyOver, SqliteConnection } from '../store/sqlite/connection.ts'
import { openDatabaseFile } from '../store/sqlite/database-file.ts'
import type { Db } from '../store/store.ts'
import type { ExecutionRow } from '../store/tables.ts'
import type { ExecutionFilter } from './execution-filter.ts'
import { draftsQuery, listExecutions, newestQuery, sessionQuery } from './list-repository.ts'
import { mergeQuery } from './runs-repository.ts'

let folder: string
let connection: SqliteConnection
let db: Db
let common: Filled
let rare: Filled
/** Every execution that may be seen, newest first: what the lists are compared with. */
let all: ExecutionRow[]

const until = Date.parse('2026-06-30T12:00:00Z')
const DAY = 86_400_000

beforeAll(async () => {
  folder = temporaryFolder()
  const { file, release } = await openDatabaseFile(join(folder, 'data'))
  // More than what is looked at one by one, so that every list needs the indexes.
  common = fillExecutions(file, { executions: 4_000, deployments: 3, prefix: 'common', until, days: 2, running: 40, seed: 7 })
  rare = fillExecutions(file, {
    executions: 60,
    deployments: 2,
    prefix: 'rare',
    environment: 'development',
    releases: 5,
    failed: 0.3,
    cancelled: 0.3,
    until: until - DAY,
    days: 1,
    running: 5,
    seed: 8,
  })
  const deleted = fillExecutions(file, { executions: 1_500, deployments: 1, prefix: 'deleted', until, days: 0.01, failed: 0.5, seed: 9 })
  release()
  connection = new SqliteConnection(file)
  connection.raw.exec(`
    update executions set status = 'queued', started_at = null where status = 'running' and execution_id like '%3';
    update executions set session_id = '${common.session_ids[0]}' where deployment_name like 'rare%' or status = 'queued';
    update executions set workflow_id = '${rare.deployments[0]!.workflow_id}' where deployment_name = 'common-1' and release_number = 2;
    update releases set workflow_id = '${rare.deployments[0]!.workflow_id}'
      where number = 2 and deployment_id = '${common.deployments[0]!.deployment_id}';
    update executions set deployment_id = '', deployment_name = '', release_number = 0
      where execution_id like '%5' and (deployment_name like 'rare%' or deployment_name = 'common-3');
    delete from deployments where name like 'deleted%';
    insert into purges values ('${deleted.deployments[0]!.deployment_id}', 1);
  `)
  db = kyselyOver(connection)
  const rows = connection.raw.prepare(`select * from executions where deployment_name not like 'deleted%' order by execution_id desc`)
  all = rows.all() as unknown as ExecutionRow[]
})
afterAll(() => {
  connection.close()
  removeFolder(folder)
})

/** What those see who do not see everything. */
const reaches: Reach[] = [
  { environments: new Set(['development']), deployment_pattern: null },
  { environments: null, deployment_pattern: 'common-*' },
  { environments: new Set(['development', 'production']), deployment_pattern: '*-1' },
  { environments: new Set(['development', 'production']), deployment_pattern: null },
]

/** Some values of each field, in all combinations. */
function* everyFilter(): Generator<Omit<ExecutionFilter, 'limit'>> {
  const values: Partial<Record<keyof ExecutionFilter, unknown[]>> = {
    deployment_name: [undefined, 'rare-1', 'common-1', 'deleted-1'],
    environment: [undefined, 'development', 'production'],
    workflow_id: [undefined, rare.deployments[0]!.workflow_id],
    status: [undefined, 'completed', 'failed', 'cancelled', 'running', 'queued', 'waiting'],
    release: [undefined, 2, 5],
    session_id: [undefined, common.session_ids[0], 'nobody'],
    test: [undefined, true, false],
    from: [undefined, until - 1.5 * DAY],
    before: [undefined, firstIdAt(until - 1.2 * DAY)],
    reach: [undefined, ...reaches],
  }
  yield* combine(Object.entries(values))
}

function* combine([first, ...rest]: [string, unknown[]][]): Generator<Omit<ExecutionFilter, 'limit'>> {
  if (!first) return yield {}
  const [field, values] = first
  for (const others of combine(rest)) for (const value of values) yield { ...others, [field]: value }
}

function expected(filter: ExecutionFilter, among = all): string[] {
  const wants = (field: 'deployment_name' | 'environment' | 'workflow_id' | 'status' | 'session_id', row: ExecutionRow): boolean =>
    filter[field] === undefined || filter[field] === row[field]
  return among
    .filter(
      (row) =>
        wants('deployment_name', row) &&
        wants('environment', row) &&
        wants('workflow_id', row) &&
        wants('status', row) &&
        wants('session_id', row) &&
        row.release_number === (filter.release ?? row.release_number) &&
        (row.deployment_id === '') === (filter.test ?? row.deployment_id === '') &&
        row.created_at >= (filter.from ?? 0) &&
        row.created_at < (filter.to ?? Infinity) &&
        row.execution_id < (filter.before ?? 'g') &&
        sees(filter.reach ?? everywhere, row.environment, row.deployment_name),
    )
    .slice(0, filter.limit)
    .map(({ execution_id }) => execution_id)
}

/** How the plan of a query may come to executions. */
const bounded = new RegExp(
  [
    String.raw`^SEARCH executions USING PRIMARY KEY \(execution_id=\?\)$`,
    // At most four thousand.
    String.raw`^SEARCH executions USING PRIMARY KEY \(execution_id>\? AND execution_id<\?\)$`,
    String.raw`^SEARCH x USING COVERING INDEX executions_ended \(status=\?`,
    String.raw`^SEARCH x USING COVERING INDEX executions_unsuccessful \(status=\? AND execution_id>\? AND execution_id<\?\)$`,
    String.raw`^SEARCH executions USING INDEX executions_session \(session_id=\? AND execution_id>\? AND execution_id<\?\)$`,
    String.raw`^SEARCH executions USING INDEX executions_drafts(_of_workflow)? \((workflow_id=\? AND )?execution_id>\? AND execution_id<\?\)$`,
    // From its greatest entry on, one at a time.
    String.raw`^SEARCH x USING COVERING INDEX executions_in_flight( \(deployment_id[=<]\?.*)?$`,
  ].join('|'),
)

const ids = async (filter: ExecutionFilter) => (await listExecutions(db, filter)).map(({ execution_id }) => execution_id)

describe('a list of executions', () => {
  it('holds the newest that match, for every combination of up to three filters', async () => {
    let combinations = 0
    for (const filter of everyFilter()) {
      if (Object.values(filter).filter((value) => value !== undefined).length > 3) continue
      const wanted = { ...filter, limit: 13 }
      expect(await ids(wanted), JSON.stringify(filter)).toEqual(expected(wanted))
      combinations++
    }
    expect(combinations).toBeGreaterThan(500)
  })

  it('goes on page by page to the end, without a gap or a repeat', async () => {
    for (const filter of [
      {},
      { environment: 'production' },
      { status: 'failed' },
      { release: 2 },
      { deployment_name: 'common-2' },
    ] as const) {
      const pages: string[] = []
      for (let before: string | undefined; ; before = pages.at(-1)) {
        const page = await ids({ ...filter, before, limit: 500 })
        pages.push(...page)
        if (page.length < 500) break
      }
      expect(pages).toEqual(expected({ ...filter, limit: Infinity }))
    }
  })

  it('takes from and to by the millisecond, also where an id is a little older than its execution', async () => {
    const { execution_id, created_at } = all[1_234]!
    connection.raw.exec(`update executions set created_at = created_at + 4 where execution_id = '${execution_id}'`)
    all[1_234]!.created_at += 4
    for (const status of [undefined, 'completed'] as const) {
      for (const [from, to] of [
        [created_at + 4, created_at + 5],
        [created_at + 5, created_at + 60_000],
        [created_at - 60_000, created_at + 4],
        [created_at, created_at + 4],
      ] as const) {
        const filter = { status, from, to, limit: 5 }
        expect(await ids(filter)).toEqual(expected(filter))
      }
    }
    expect(await ids({ from: created_at + 4, to: created_at + 5, limit: 5 })).toEqual([execution_id])
  })

  it('is found by index whatever is looked for: nothing reads or sorts all executions', () => {
    const seen = new Set<string>()
    for (const filter of everyFilter()) {
      // Whether they are of drafts chooses between queries, and only that for a session looks at it.
      if (filter.test !== undefined && filter.session_id === undefined) continue
      const range = { first: '', before: 'g' }
      const wanted = { ...filter, limit: 51 }
      const queries =
        filter.session_id === undefined
          ? [
              newestQuery({ ...wanted, test: false }, range),
              draftsQuery(wanted, range),
              mergeQuery(wanted, range, false),
              mergeQuery(wanted, range, false, 60),
              ...(filter.environment === undefined ? [] : [mergeQuery(wanted, range, true)]),
            ]
          : [sessionQuery(wanted, range)]
      for (const query of queries) {
        const { sql, parameters } = query.compile(db)
        if (seen.has(sql)) continue
        seen.add(sql)
        const plan = connection.raw.prepare(`explain query plan ${sql}`).all(...(parameters as string[]))
        const details = plan.map((line) => String(line['detail']))
        expect(details.filter((detail) => detail.includes('AUTOMATIC'))).toEqual([])
        // Deployments and runs are sorted, executions never.
        for (const sort of plan.filter(({ detail }) => String(detail).includes('TEMP B-TREE'))) {
          const sorted = plan.filter(({ parent }) => parent === sort['parent']).map(({ detail }) => String(detail))
          expect(sorted.filter((detail) => /\b(executions|x)\b/.test(detail))).toEqual([])
        }
        // Every index is searched by what all of a run have in common, and never for a row that it holds already.
        if (filter.session_id !== undefined) expect(details.join()).toContain('executions_session')
        for (const search of details.filter((detail) => /\b(executions|x)\b/.test(detail))) expect(search).toMatch(bounded)
      }
    }
    expect(seen.size).toBeGreaterThan(50)
  })
})

describe('a list of executions of more deployments than are looked into', () => {
  it('holds the newest that match, wherever they are, and however far back', async () => {
    const { file, release } = await openDatabaseFile(join(folder, 'many'))
    fillExecutions(file, { executions: 9_000, deployments: 600, prefix: 'many', releases: 3, until, days: 3, failed: 0.1, seed: 10 })
    release()
    const many = new SqliteConnection(file)
    // A release that all have, and that hardly one was executed on; an environment in which nothing was executed of late.
    many.raw.exec(`
      update releases set number = 9 where number = 1;
      insert into routes (deployment_id, release_number, percent) select deployment_id, 9, 0 from deployments where name like '%3';
      update executions set release_number = 9 where release_number = 1 and execution_id like '%77';
      update deployments set environment = 'development' where name < 'many-4';
      update executions set environment = 'development' where deployment_name < 'many-4';
      delete from executions where environment = 'development' and created_at > ${until - 2 * DAY};`)
    const rows = many.raw.prepare('select * from executions order by execution_id desc').all() as unknown as ExecutionRow[]
    try {
      for (const status of [undefined, 'completed', 'failed'] as const) {
        for (const environment of [undefined, 'production', 'development']) {
          for (const number of [undefined, 1, 2, 3, 9]) {
            for (const limit of [2, 5]) {
              for (const daysAgo of [0, 1.1, 2.1, 2.9]) {
                const before = firstIdAt(until - daysAgo * DAY)
                const filter = { status, environment, release: number, before, limit }
                const found = await listExecutions(kyselyOver(many), filter)
                const found_ids = found.map(({ execution_id }) => execution_id)
                expect(found_ids, JSON.stringify(filter)).toEqual(expected(filter, rows))
              }
            }
          }
        }
      }
    } finally {
      many.close()
    }
  })
})
