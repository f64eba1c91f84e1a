import { sql } from 'kysely'
import type { Reach } from '../access/caller.ts'
import { firstIdAt } from '../clock.ts'
import { DeploymentInactive, StudioError } from '../errors.ts'
import type { Cancelled } from '../engine/dispatcher.ts'
import type { RuntimeConfig, RuntimeOverrides } from '../engine/journal.ts'
import { admitWithin } from '../engine/sqlite/admit-within.ts'
import { cancelInFlight } from '../executions/in-flight-repository.ts'
import { defineCommand, type Db } from '../store/store.ts'
import type { DeploymentRow, ExecutionRow, ExecutionStatus } from '../store/tables.ts'
import { recordDeploymentChange } from './audited.ts'
import type { NamedDeployment } from './repository.ts'
import { findServing } from './rollback-repository.ts'

/** Which executions of a deployment. */
export interface Chosen extends NamedDeployment {
  /** Undefined: of any. */
  release: number | undefined
  status: readonly ExecutionStatus[]
  /** Accepted at this time or later, and before that one. */
  from: number | undefined
  to: number | undefined
  limit: number
}

export interface Rerun extends Chosen {
  /** Ids for the new ones: as many as the limit. */
  ids: readonly string[]
  api_key_id: string | null
  deployment_pattern: Reach['deployment_pattern']
}

export interface Rerunning {
  deployment: Pick<DeploymentRow, 'deployment_id' | 'name' | 'environment'>
  executions: { execution_id: string; rerun_id: string }[]
  remaining: number
  /** Why it went no further. */
  stopped_by: { code: string; message: string } | null
}

/** Executions that are left which are counted. */
const MOST_COUNTED = 10_000

/**
 * Admits the same requests again as new executions, the oldest first, each once by this: so a second call goes on where the first
 * one ended. What a limit of the deployment refuses is left.
 * @throws DeploymentNotFound, DeploymentInactive, and what refuses the very first
 */
export const rerunExecutions = defineCommand('deployments.rerun', async (db, rerun: Rerun, actor): Promise<Rerunning> => {
  const deployment = await findServing(db, rerun)
  const { deployment_id, name, environment } = deployment
  if (deployment.status === 'inactive') throw new DeploymentInactive({ name, environment })
  const sources = await choose(db, deployment_id, rerun, true)
  const executions: Rerunning['executions'] = []
  let stopped_by: Rerunning['stopped_by'] = null
  for (const [index, source] of sources.entries()) {
    const rerun_id = rerun.ids[index]!
    try {
      await admitAgain(db, source, rerun_id, rerun)
    } catch (error) {
      if (!(error instanceof StudioError) || index === 0) throw error
      stopped_by = { code: error.code, message: error.message }
      break
    }
    executions.push({ execution_id: source.execution_id, rerun_id })
  }
  if (executions.length > 0) {
    await db.insertInto('reruns').values(executions).execute()
    const after = { rerun: executions.length, ...describe(rerun) }
    await recordDeploymentChange(db, actor, 'deployment.rerun', deployment, { at: rerun.now, before: {}, after })
  }
  const remaining = await countChosen(db, deployment_id, rerun, true)
  return { deployment: { deployment_id, name, environment }, executions, remaining, stopped_by }
})

const sourceColumns = [
  'execution_id',
  'deployment_id',
  'deployment_name',
  'environment',
  'release_number',
  'request',
  'runtime_config',
  'session_id',
  'user_id',
] as const
type Source = Pick<ExecutionRow, (typeof sourceColumns)[number]>

async function admitAgain(db: Db, source: Source, execution_id: string, { api_key_id, deployment_pattern, now }: Rerun): Promise<void> {
  const { deployment_name, environment, request, session_id, user_id } = source
  const admission = {
    execution_id,
    target: { deployment_name },
    environments: [environment],
    ...(deployment_pattern !== null && { deployment_pattern }),
    runtime_overrides: await overridesOf(db, source),
    session_id,
    user_id,
    api_key_id,
    now,
  }
  admitWithin(db, admission, request)
}

/** What the request asked for otherwise than its release has it. */
async function overridesOf(db: Db, { deployment_id, release_number, runtime_config }: Source): Promise<RuntimeOverrides> {
  const release = await db
    .selectFrom('releases')
    .select('runtime_config')
    .where('deployment_id', '=', deployment_id)
    .where('number', '=', release_number)
    .executeTakeFirst()
  const had = JSON.parse(runtime_config) as RuntimeConfig
  const usual = release && (JSON.parse(release.runtime_config) as RuntimeConfig)
  return {
    ...(usual?.timeout !== had.timeout && { timeout: had.timeout }),
    ...(usual?.max_retries !== had.max_retries && { max_retries: had.max_retries }),
  }
}

export interface CancelledMany {
  deployment: Rerunning['deployment']
  cancelled: Cancelled[]
  remaining: number
}

/** Ends executions that are in flight, the oldest first. @throws DeploymentNotFound */
export const cancelExecutions = defineCommand('deployments.cancelExecutions', async (db, chosen: Chosen, actor): Promise<CancelledMany> => {
  const deployment = await findServing(db, chosen)
  const { deployment_id, name, environment } = deployment
  const found = await choose(db, deployment_id, chosen, false)
  const ids = found.map(({ execution_id }) => execution_id)
  const cancelled = ids.length > 0 ? await cancelInFlight(db, { execution_ids: ids }, chosen.now) : []
  if (cancelled.length > 0) {
    const after = { cancelled: cancelled.length, ...describe(chosen) }
    await recordDeploymentChange(db, actor, 'deployment.cancel_executions', deployment, { at: chosen.now, before: {}, after })
  }
  return { deployment: { deployment_id, name, environment }, cancelled, remaining: await countChosen(db, deployment_id, chosen, false) }
})

function describe({ release, status }: Chosen) {
  return { ...(release !== undefined && { release }), status }
}

/** One status at a time: each is a run of an index, of which no more is read than is taken. */
async function choose(db: Db, deployment_id: string, chosen: Chosen, isRerun: boolean): Promise<Source[]> {
  const found: Source[] = []
  for (const status of chosen.status) {
    const columns = [...sourceColumns]
    found.push(
      ...(await matching(db, deployment_id, chosen, status, isRerun).select(columns).orderBy('execution_id').limit(chosen.limit).execute()),
    )
  }
  return found.sort((a, b) => (a.execution_id < b.execution_id ? -1 : 1)).slice(0, chosen.limit)
}

async function countChosen(db: Db, deployment_id: string, chosen: Chosen, isRerun: boolean): Promise<number> {
  let counted = 0
  for (const status of chosen.status) {
    const { count } = await db
      .selectFrom(matching(db, deployment_id, chosen, status, isRerun).select('execution_id').limit(MOST_COUNTED).as('chosen'))
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow()
    counted += count
  }
  return Math.min(counted, MOST_COUNTED)
}

function matching(db: Db, deployment_id: string, { release, from, to }: Chosen, status: ExecutionStatus, isRerun: boolean) {
  let query = db
    .selectFrom('executions')
    .where('deployment_id', '=', deployment_id)
    .where('status', '=', status)
    .where('ended_at', isRerun ? 'is not' : 'is', null)
  if (release !== undefined) query = query.where('release_number', '=', release)
  if (from !== undefined) query = query.where('created_at', '>=', from).where('execution_id', '>=', firstIdAt(from - SLACK_MS))
  if (to !== undefined) query = query.where('created_at', '<', to).where('execution_id', '<', firstIdAt(to + SLACK_MS))
  // What a notification has begun was no request.
  if (isRerun) query = query.where('parent_id', 'is', null).where(sql<boolean>`execution_id not in (select execution_id from reruns)`)
  return query
}

/** An id begins with the milliseconds at which it was made, just before its execution was accepted. */
const SLACK_MS = 10

export const rerunCommands = [rerunExecutions, cancelExecutions]
