import { environmentsWithin, reachesName, type Caller } from '../access/caller.ts'
import { InvalidInput, NameOutsideKey, PromotionRefused } from '../errors.ts'
import { knownEnvironment, searchOrder } from '../environments.ts'
import type { RuntimeConfig } from '../engine/journal.ts'
import { recordedResult } from '../store/claim.ts'
import type { Origin } from '../store/origin.ts'
import type { DeploymentRow } from '../store/tables.ts'
import type { Studio } from '../studio.ts'
import { checkPromotion, type Check, type Checked } from './check-promotion.ts'
import { switched, type DeployAnswer } from './deploy.ts'
import { inheritRuntimeConfig, type GivenRuntimeConfig } from './deployment.ts'
import { getRelease } from './find-release.ts'
import { named } from './named.ts'
import { promoted, promoteRelease, type Target } from './promote-repository.ts'
import { proposeRelease, type Waiting } from './propose.ts'
import { rehearse, type Rehearsal } from './rehearse.ts'
import type { ReleaseRecord } from './release-list-repository.ts'
import type { InFlightMode, NewRelease, ReleaseSource } from './release-repository.ts'
import { findDeployments, getDeployment } from './repository.ts'
import { findServing } from './rollback-repository.ts'

export interface PromoteRequest {
  caller: Caller
  /** Of the source. */
  name: string
  from_environment: string | undefined
  /** Undefined: the live one. */
  release: number | undefined
  /** Of the target. */
  environment: string
  as: string | undefined
  runtime_config: GivenRuntimeConfig | undefined
  promoted_by: string | undefined
  note: string | undefined
  in_flight: InFlightMode | undefined
  automated: boolean | undefined
}

export interface PromoteAnswer extends DeployAnswer {
  made_from: ReleaseSource
  checklist: Check[]
}

export type PromoteRehearsal = Rehearsal & { made_from: ReleaseSource; checklist: Check[] }

/** A promotion that was looked at from all sides. */
interface Prepared extends Checked {
  source: ReleaseRecord
  target: Target
  release: NewRelease
  made_from: ReleaseSource
}

/**
 * Lets the definition of a release serve in another environment, with what that has. Where a second key has to approve that, it is
 * proposed.
 * @throws DeploymentNotFound, ReleaseNotFound, NameOutsideKey, InvalidInput, PromotionRefused, DeploysHeld, ApprovalNeedsKeys
 */
export async function promote(studio: Studio, request: PromoteRequest, origin: Origin | undefined): Promise<PromoteAnswer | Waiting> {
  const prepared = await prepare(studio, request)
  const { source, target, release, errors, checklist, warnings, made_from } = prepared
  const { name, environment } = target
  const earlier = recordedResult(promoteRelease, origin?.claim)
  if (errors.length > 0 && !earlier) throw new PromotionRefused({ name, environment, errors, checklist })
  if (studio.protections.get(environment)?.approval) {
    const asked = async () => ({ kind: 'promotion' as const, release, made_from, warnings })
    const proposed = await proposeRelease(studio, { caller: request.caller, environment }, asked, origin)
    return 'proposal' in proposed ? proposed : { ...proposed, made_from, checklist }
  }
  const args = { source: { deployment_id: source.deployment_id, release: source.number }, target, warnings }
  const deployed = earlier ?? (await studio.store.write(promoteRelease, args, origin))
  return { ...(await switched(studio, deployed, request.in_flight)), made_from, checklist }
}

/** What a promotion would do. Writes nothing. */
export async function rehearsePromotion(studio: Studio, request: PromoteRequest): Promise<PromoteRehearsal> {
  const { release, made_from, checklist, errors, warnings } = await prepare(studio, request)
  // What is wrong with the runtime configuration is found there again.
  const others = errors.filter(({ pointer }) => !pointer.startsWith('/runtime_config'))
  return { ...(await rehearse(studio, release, release, { errors: others, warnings })), made_from, checklist }
}

async function prepare(studio: Studio, request: PromoteRequest): Promise<Prepared> {
  const { store, clock } = studio
  const place = toPlace(studio, request)
  const deployment = await findSource(studio, request, place)
  refuseSamePlace(deployment, place)
  const source = await getRelease(store.read, deployment, request.release)
  const target: Target = {
    ...place,
    deployed_by: request.promoted_by ?? null,
    runtime_config: request.runtime_config,
    force: false,
    note: request.note,
    in_flight: request.in_flight,
    automated: request.automated,
    new_deployment_id: clock.id(),
    now: clock.now(),
  }
  const release = await promoted(store.read, source, target)
  const runtime_config = await configOf(studio, release)
  const checked = await checkPromotion(studio, source, { environment: place.environment, runtime_config }, release.definition)
  const made_from = { deployment_name: source.name, environment: source.environment, release: source.number }
  return { ...checked, source, target, release, made_from }
}

interface Place {
  name: string
  environment: string
}

function toPlace({ environments }: Studio, { caller, name: sourceName, as: name = sourceName, environment }: PromoteRequest): Place {
  knownEnvironment(environmentsWithin(caller, environments), environment, '/environment')
  // Whether there is a deployment of that name is not told.
  if (!reachesName(caller, name)) throw new NameOutsideKey({ name, deployment_pattern: caller.deployment_pattern! })
  return { name, environment }
}

/** Without a word of where it is: the first active one that is not the target itself. */
async function findSource(studio: Studio, { caller, name, from_environment }: PromoteRequest, target: Place): Promise<DeploymentRow> {
  const query = from_environment === undefined ? {} : { environment: from_environment }
  const asked = named(studio, { caller, name, query })
  const seen = searchOrder(asked.environments, undefined, '')
  const others = from_environment === undefined && target.name === name ? seen.filter((one) => one !== target.environment) : seen
  return findServing(studio.store.read, { ...asked, environments: others })
}

function refuseSamePlace({ name, environment }: DeploymentRow, target: Place): void {
  if (name !== target.name || environment !== target.environment) return
  const message = `Deployment '${name}' cannot be promoted to '${environment}', where it is. Name another environment, or another name as 'as'.`
  throw new InvalidInput({ errors: [{ pointer: '/environment', code: 'not_allowed', message }] })
}

async function configOf({ store }: Studio, { name, environment, runtime_config }: NewRelease): Promise<RuntimeConfig> {
  const [existing] = await findDeployments(store.read, name, [environment])
  const live = existing && (await getDeployment(store.read, existing.deployment_id))
  return inheritRuntimeConfig(runtime_config, live && (JSON.parse(live.runtime_config) as RuntimeConfig))
}
