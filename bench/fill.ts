import { createHash } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { encodeEvents } from '../src/engine/event-codec.ts'

/** A history to look at, as large as somebody has after months: it would take a server an hour to make it by executing. */
export interface Filling {
  executions: number
  /** Active ones, each with a workflow of its own. The executions are spread evenly over them. */
  deployments: number
  /** Their names are this and a number from 1 on; another one for each filling of the same database. */
  prefix?: string
  environment?: string
  /** Releases of each deployment; the executions of the oldest release come first. */
  releases?: number
  /** Shares of the executions, by chance; the others completed. */
  failed?: number
  cancelled?: number
  /** So many of the newest are still running, which a server will take up when it starts. */
  running?: number
  /** Share of the executions that belong to a session; one session has about ten. */
  inSession?: number
  /** The newest was accepted at this time, in milliseconds since 1970; the oldest so many days before. */
  until?: number
  days?: number
  steps?: number
  seed?: number
}

export interface Filled {
  deployments: FilledDeployment[]
  session_ids: string[]
  /** The oldest and the newest. */
  execution_ids: { first: string; last: string }
}

const defaults = {
  prefix: 'filled',
  environment: 'production',
  releases: 2,
  failed: 0.02,
  cancelled: 0.005,
  running: 0,
  inSession: 0.2,
  days: 30,
  steps: 3,
  seed: 1,
}

type Settings = Required<Filling>

/** Executions of one transaction: their rows stay in the cache until their steps have been derived from them. */
const BATCH = 20_000

/**
 * Fills the database of a server that is not running: deployments that can be executed, and ended executions with their
 * steps and one row of events. A million executions take some 20 s.
 * @param file which a server of this version has made
 */
export function fillExecutions(file: string, filling: Filling): Filled {
  const settings: Settings = { ...defaults, until: Date.now(), ...filling }
  const db = new DatabaseSync(file)
  try {
    // What is lost in a power cut is filled again.
    db.exec('pragma synchronous = off; pragma cache_size = -262144; pragma foreign_keys = on')
    const random = makeRandom(settings.seed)
    db.exec('begin immediate')
    const deployments = Array.from({ length: settings.deployments }, (_, index) => insertDeployment(db, settings, random, index + 1))
    db.exec('commit')
    const filled = insertExecutions(db, settings, deployments, random)
    db.exec('pragma wal_checkpoint(truncate)')
    return { deployments, ...filled }
  } finally {
    db.close()
  }
}

export interface FilledDeployment {
  deployment_id: string
  deployment_name: string
  workflow_id: string
  definition_digest: string
}

function insertDeployment(db: DatabaseSync, settings: Settings, random: Random, number: number): FilledDeployment {
  const { environment, until, days, releases } = settings
  const at = until - days * DAY_MS - 1_000
  const deployment_name = `${settings.prefix}-${number}`
  const workflow_id = uuid(at, random)
  const deployment_id = uuid(at, random)
  const agents = [{ agent_id: 'assistant', config: { model: 'demo/echo', system_prompt: `You are ${deployment_name}.` } }]
  const definition = JSON.stringify({ agents, connections: [] })
  const definition_digest = sha256(definition)
  insert(db, 'workflows', {
    workflow_id,
    name: deployment_name,
    version: '1.0.0',
    configuration: definition,
    is_active: 1,
    is_editable: 1,
    revision: 1,
    created_at: at,
    updated_at: at,
  })
  insert(db, 'deployments', {
    deployment_id,
    name: deployment_name,
    environment,
    status: 'active',
    workflow_id,
    last_release: releases,
    deployed_at: at,
  })
  insert(db, 'deployment_counters', { deployment_id })
  insert(db, 'definitions', { definition_digest, definition })
  for (let release = 1; release <= releases; release++) {
    const runtime_config = JSON.stringify({ timeout: 300, max_retries: release })
    insert(db, 'releases', {
      deployment_id,
      number: release,
      digest: sha256(definition + runtime_config),
      definition_digest,
      runtime_config,
      workflow_id,
      workflow_name: deployment_name,
      workflow_version: '1.0.0',
      created_at: at,
    })
  }
  insert(db, 'routes', { deployment_id, release_number: releases, percent: 100 })
  // A database of an older version has no history of routes, and is given it by its migration.
  if (db.prepare("select 1 from sqlite_schema where name = 'route_changes'").get()) {
    db.prepare('update deployments set live_release = ?, route_change = 1 where deployment_id = ?').run(releases, deployment_id)
    const after = JSON.stringify([{ release: releases, percent: 100 }])
    insert(db, 'route_changes', { deployment_id, number: 1, at, kind: 'deploy', key_id: '', after })
  }
  return { deployment_id, deployment_name, workflow_id, definition_digest }
}

function insertExecutions(
  db: DatabaseSync,
  settings: Settings,
  deployments: FilledDeployment[],
  random: Random,
): Omit<Filled, 'deployments'> {
  const { executions: total, inSession, prefix } = settings
  const session_ids = Array.from({ length: Math.ceil((total * inSession) / 10) }, (_, index) => `${prefix}-session-${index + 1}`)
  const statement = db.prepare(
    `insert into executions (execution_id, deployment_id, deployment_name, environment, workflow_id, release_number, definition_digest,
       runtime_config, status, request, session_id, user_id, created_at, slice_started_at, started_at, ended_at, last_event_id, response, error,
       input_tokens, output_tokens, demo) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const nextRow = makeRows(settings, deployments, session_ids, random)
  const execution_ids = { first: '', last: '' }
  for (let done = 0; done < total;) {
    db.exec('begin immediate')
    const began = done
    const ids: string[] = []
    for (const end = Math.min(done + BATCH, total); done < end; done++) {
      const row = nextRow(done)
      statement.run(...row)
      ids.push(row[0] as string)
    }
    deriveStepsAndEvents(db, settings, deployments, [ids[0]!, ids.at(-1)!])
    if (began === 0) execution_ids.first = ids[0]!
    execution_ids.last = ids.at(-1)!
    db.exec('commit')
  }
  count(db, deployments)
  noteNewest(db, deployments)
  return { session_ids, execution_ids }
}

type Value = string | number | null

/** @returns what makes the row of the execution with this number, 0 being the oldest */
function makeRows(settings: Settings, deployments: FilledDeployment[], sessions: string[], random: Random): (index: number) => Value[] {
  const { executions: total, until, days, releases, environment, inSession } = settings
  let [lastAt, inMillisecond] = [0, 0]
  return (index) => {
    const at = until - Math.floor(((total - index - 1) / total) * days * DAY_MS)
    inMillisecond = at === lastAt ? inMillisecond + 1 : 0
    lastAt = at
    const { deployment_id, deployment_name, workflow_id, definition_digest } = pick(deployments, random)
    const release = 1 + Math.floor((index / total) * releases)
    const status = index >= total - settings.running ? 'running' : pickStatus(settings, random())
    const session = random() < inSession ? pick(sessions, random) : null
    const ended = status === 'running' ? null : at + 1_200
    const response = status === 'completed' ? answer : null
    const error = status === 'failed' ? failure : null
    // prettier-ignore
    return [uuid(at, random, inMillisecond), deployment_id, deployment_name, environment, workflow_id, release, definition_digest,
      runtimeConfig, status, request, session, session && 'user', at, at, at, ended, 5, response, error, 14, 35, 1]
  }
}

/** In SQL from the executions' own rows, which is several times as fast as row by row. */
function deriveStepsAndEvents(
  db: DatabaseSync,
  settings: Settings,
  deployments: FilledDeployment[],
  [first, last]: [string, string],
): void {
  const step_ids = Array.from({ length: settings.steps }, (_, index) => `assistant#${index + 1}`)
  // An earlier filling may have executions of the same time.
  const deployment_ids = JSON.stringify(deployments.map(({ deployment_id }) => deployment_id))
  const ours = 'execution_id between ? and ? and deployment_id in (select value from json_each(?))'
  db.prepare(
    `insert into steps (execution_id, step_id, position, kind, name, status, attempts, input, output, model, input_tokens, output_tokens)
     select execution_id, s.value, s.key + 1, 'model', 'assistant', 'completed',
       '[{"number":1,"started_at":' || (created_at + 3) || ',"ended_at":' || (created_at + 400) || '}]', ?, ?, 'demo/echo', 14, 35
     from executions cross join json_each(?) s where ${ours}`,
  ).run(stepInput, stepOutput, JSON.stringify(step_ids), first, last, deployment_ids)
  db.prepare(`insert into events (execution_id, first_id, last_id, events) select execution_id, 2, 4, ? from executions where ${ours}`).run(
    events,
    first,
    last,
    deployment_ids,
  )
}

function count(db: DatabaseSync, deployments: FilledDeployment[]): void {
  db.prepare(
    `update deployment_counters set execution_count = ended, error_count = failed, last_executed = latest from (
       select deployment_id, count(*) as ended, sum(status = 'failed') as failed, max(ended_at) as latest
       from executions where ended_at is not null group by deployment_id) as counted
     where counted.deployment_id = deployment_counters.deployment_id and deployment_counters.deployment_id in (select value from json_each(?))`,
  ).run(JSON.stringify(deployments.map(({ deployment_id }) => deployment_id)))
}

/** As the ends of the executions, and deploys, would have left it; version 0.1 had none of it. */
function noteNewest(db: DatabaseSync, deployments: FilledDeployment[]): void {
  if (!db.prepare(`select 1 from pragma_table_info('releases') where name = 'newest_execution_id'`).get()) return
  const deployment_ids = JSON.stringify(deployments.map(({ deployment_id }) => deployment_id))
  db.prepare(
    `create temp table newest as select deployment_id, release_number, max(execution_id) as id from executions
     where ended_at is not null and deployment_id in (select value from json_each(?)) group by deployment_id, release_number`,
  ).run(deployment_ids)
  db.exec(`
    create unique index temp.newest_key on newest (deployment_id, release_number);
    update deployment_counters as c set newest_execution_id = (select max(id) from newest n where n.deployment_id = c.deployment_id)
      where deployment_id in (select deployment_id from newest);
    update releases set newest_execution_id = coalesce((select id from newest n where n.deployment_id = releases.deployment_id and n.release_number = number), '')
      where deployment_id in (select deployment_id from newest) and (deployment_id, number) not in (select deployment_id, release_number from routes);
    drop table newest`)
}

const DAY_MS = 86_400_000
const question = 'What is the time in Lisbon?'
const answer = 'It is a quarter past nine in Lisbon, and the same in London, in Dublin and on the Faroe Islands.'
const request = JSON.stringify({ query: question, chat_history: [] })
const runtimeConfig = JSON.stringify({ timeout: 300, max_retries: 3 })
const failure = JSON.stringify({ code: 'model_call_failed', details: {}, message: 'The model openai/gpt-4o answered 500: out of order.' })
const stepInput = JSON.stringify({ system_prompt: 'You welcome people.', messages: [{ role: 'user', text: question }] })
const stepOutput = JSON.stringify({ text: answer, calls: [], finish_reason: 'stop' })
const events = encodeEvents(
  [answer.slice(0, 30), answer.slice(30, 60), answer.slice(60)].map((data, index) => ({
    type: 'content',
    data,
    step_id: 'assistant#1',
    id: index + 2,
    at: 1_700_000_000_000,
  })),
)

function pick<Item>(items: Item[], random: Random): Item {
  return items[Math.floor(random() * items.length)]!
}

function pickStatus({ failed, cancelled }: Settings, chance: number): 'failed' | 'cancelled' | 'completed' {
  if (chance < failed) return 'failed'
  return chance < failed + cancelled ? 'cancelled' : 'completed'
}

function insert(db: DatabaseSync, table: string, row: Record<string, Value>): void {
  const columns = Object.keys(row)
  db.prepare(`insert into ${table} (${columns.join(', ')}) values (${columns.map(() => '?').join(', ')})`).run(...Object.values(row))
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

type Random = () => number

/** Mulberry32: the same numbers for the same seed. */
function makeRandom(seed: number): Random {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** UUIDv7: those of one millisecond sort by `counter`. */
function uuid(ms: number, random: Random, counter = 0): string {
  const hex = (length: number, value: number): string => Math.floor(value).toString(16).padStart(length, '0')
  const time = hex(12, ms)
  const tail = hex(8, random() * 2 ** 32) + hex(4, random() * 2 ** 16)
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hex(3, counter)}-8${hex(3, random() * 0x1000)}-${tail}`
}
