import { DeploymentInactive, DeploymentNotFound, ReleaseNotRouted, TagNotRouted, WorkflowNotDeployed } from '../../errors.ts'
import type { SqliteConnection } from '../../store/sqlite/connection.ts'
import type { Admission, ExecutionIdentity, RuntimeConfig } from '../journal.ts'
import { bucketOf, routeOfBucket, type Traffic } from '../traffic.ts'

/** Which deployment takes an execution, and which of its releases, decided in the transaction that admits it. */

export type AdmissionRoute = Omit<ExecutionIdentity, 'execution_id'> & {
  runtime_config: string
  /** How the release was found, for whoever asks later. */
  route_change: number
  bucket?: number
  asked_route?: string
}

/** The live release, as the columns below select it. */
type Live = Omit<AdmissionRoute, 'bucket' | 'asked_route'> & { traffic: string | null }

const routeColumns = `
  select d.deployment_id, d.name as deployment_name, d.environment, l.workflow_id, l.number as release_number, l.definition_digest, l.runtime_config,
    d.traffic, d.route_change
  from deployments d
  join releases l on l.deployment_id = d.deployment_id and l.number = d.live_release`
const routeByName = `${routeColumns} where d.name = ? and d.environment = ? and d.status = 'active' limit 1`
const routeByWorkflow = `${routeColumns} where d.workflow_id = ? and d.environment = ? and d.status = 'active' and d.name glob ? order by d.deployed_at desc, l.rowid desc limit 1`

type Asked = Pick<Admission, 'execution_id' | 'target' | 'environments' | 'deployment_pattern' | 'route' | 'session_id'>

/** @throws DeploymentNotFound, DeploymentInactive, WorkflowNotDeployed, ReleaseNotRouted, TagNotRouted */
export function findRoute(connection: SqliteConnection, asked: Asked): AdmissionRoute {
  const live = findLive(connection, asked)
  // Nearly always: one route, and nothing to choose.
  if (live.traffic === null && asked.route === undefined) return live
  return choose(connection, live, asked)
}

function findLive(connection: SqliteConnection, { target, environments, deployment_pattern = '*' }: Asked): Live {
  const byName = 'deployment_name' in target
  const [sql, key] = byName ? [routeByName, target.deployment_name] : [routeByWorkflow, target.workflow_id]
  const names = byName ? [] : [deployment_pattern]
  let servesAnother = false
  for (const environment of environments) {
    const live = connection.prepare(sql).get(key, environment, ...names) as Live | undefined
    if (!live) continue
    if (target.workflow_id === undefined || live.workflow_id === target.workflow_id) return live
    servesAnother = true
  }
  const searched = [...environments]
  if (!byName) throw new WorkflowNotDeployed({ workflow_id: target.workflow_id, searched })
  if (servesAnother) throw new WorkflowNotDeployed({ workflow_id: target.workflow_id!, name: key, searched })
  const stopped = connection.prepare('select 1 from deployments where name = ? and environment = ?')
  const environment = environments.find((one) => stopped.get(key, one))
  if (environment) throw new DeploymentInactive({ name: key, environment })
  throw new DeploymentNotFound({ name: key, searched })
}

function choose(connection: SqliteConnection, { traffic: stored, ...live }: Live, asked: Asked): AdmissionRoute {
  const { deployment_id, release_number } = live
  const traffic: Traffic = stored === null ? [{ release: release_number, percent: 100, buckets: [] }] : (JSON.parse(stored) as Traffic)
  const { target, route, session_id, execution_id } = asked
  if (route) {
    const release = askedRelease(live, traffic, route)
    return { ...asRelease(connection, live, release, target.workflow_id), asked_route: JSON.stringify(route) }
  }
  if (traffic.length === 1) return live
  const bucket = bucketOf(deployment_id, session_id ?? execution_id)
  const { release } = routeOfBucket(traffic, bucket)
  try {
    return { ...asRelease(connection, live, release, target.workflow_id), bucket }
  } catch (error) {
    // Whoever insists on a workflow gets the live release, which is of it.
    if (error instanceof WorkflowNotDeployed) return live
    throw error
  }
}

function askedRelease(
  { deployment_name: name, environment }: Omit<Live, 'traffic'>,
  traffic: Traffic,
  asked: NonNullable<Asked['route']>,
): number {
  const found = traffic.find(({ release, tag }) => ('tag' in asked ? tag === asked.tag : release === asked.release))
  if (found) return found.release
  if (!('tag' in asked))
    throw new ReleaseNotRouted({ name, environment, release: asked.release, routed: traffic.map(({ release }) => release) })
  throw new TagNotRouted({ name, environment, tag: asked.tag, tags: traffic.flatMap(({ tag }) => tag ?? []) })
}

const releaseColumns = 'select workflow_id, definition_digest, runtime_config from releases where deployment_id = ? and number = ?'

/** The release's own settings, but for those that limit the deployment as a whole: those are the live release's. */
function asRelease(
  connection: SqliteConnection,
  live: Omit<Live, 'traffic'>,
  release_number: number,
  workflowId: string | undefined,
): Omit<Live, 'traffic'> {
  if (release_number === live.release_number) return live
  const { deployment_id, deployment_name: name, environment } = live
  const release = connection.prepare(releaseColumns).get(deployment_id, release_number) as Pick<
    Live,
    'workflow_id' | 'definition_digest' | 'runtime_config'
  >
  if (workflowId !== undefined && release.workflow_id !== workflowId) {
    throw new WorkflowNotDeployed({ workflow_id: workflowId, name, searched: [environment] })
  }
  return { ...live, ...release, release_number, runtime_config: underLimitsOf(live.runtime_config, release.runtime_config) }
}

function underLimitsOf(live: string, own: string): string {
  const { concurrency, rate_limit, budget: liveBudget } = JSON.parse(live) as RuntimeConfig
  const { concurrency: _concurrency, rate_limit: _rate, budget: ownBudget, ...rest } = JSON.parse(own) as RuntimeConfig
  const budget = {
    ...(ownBudget?.per_execution && { per_execution: ownBudget.per_execution }),
    ...(liveBudget?.per_day && { per_day: liveBudget.per_day }),
  }
  const config: RuntimeConfig = {
    ...rest,
    ...(concurrency && { concurrency }),
    ...(rate_limit && { rate_limit }),
    ...(Object.keys(budget).length > 0 && { budget }),
  }
  return JSON.stringify(config)
}
