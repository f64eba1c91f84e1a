import type { RuntimeConfig } from '../engine/journal.ts'
import type { Issue, Warning } from '../errors.ts'
import { releaseDigest } from '../graph/digest.ts'
import type { Studio } from '../studio.ts'
import { problemsOfRuntimeConfig } from './check-runtime-config-repository.ts'
import { compareReleases, sideOf, type ReleaseDifference, type Side } from './compare-releases.ts'
import { inheritRuntimeConfig } from './deployment.ts'
import { findHold } from './hold-repository.ts'
import { findRelease, referencesOf } from './release-list-repository.ts'
import { isServed, type NewRelease } from './release-repository.ts'
import { countInFlight, findDeployments, getDeployment, type InFlight } from './repository.ts'

/** What a change would do. */
export interface Rehearsal {
  dry_run: true
  /** Whether it would be done. */
  valid: boolean
  errors: Issue[]
  warnings: Warning[]
  deployment_name: string
  environment: string
  unchanged: boolean
  /** Whether a second key would have to approve it. */
  needs_approval: boolean
  /** The release that would be made; null where nothing can be made of the workflow. */
  release: { number: number; digest: string; definition_digest: string; runtime_config: RuntimeConfig } | null
  /** From the release that is live; null where none is, or none would be made. */
  diff: ReleaseDifference | null
  /** Of the deployment, now. */
  in_flight: InFlight
}

/** What keeps a change from being made, or would be remarked. */
export interface Findings {
  errors: Issue[]
  warnings: Warning[]
}

type Wanted = Pick<NewRelease, 'name' | 'environment' | 'automated' | 'force' | 'runtime_config'>
type Definition = Pick<NewRelease, 'definition' | 'definition_digest' | 'references' | 'workflow'>

/**
 * What making a release would do. Writes nothing.
 * @param made undefined where nothing can be made of the workflow
 */
export async function rehearse(studio: Studio, wanted: Wanted, made: Definition | undefined, found: Findings): Promise<Rehearsal> {
  const { store, protections } = studio
  const { name: deployment_name, environment } = wanted
  const [existing] = await findDeployments(store.read, deployment_name, [environment])
  const live = existing && (await getDeployment(store.read, existing.deployment_id))
  const runtime_config = inheritRuntimeConfig(wanted.runtime_config, live && (JSON.parse(live.runtime_config) as RuntimeConfig))
  const hold = wanted.automated && existing ? await findHold(store.read, existing.deployment_id) : undefined
  const errors = [
    ...found.errors,
    ...(hold
      ? [{ pointer: '/automated', code: 'deploys_held', message: `Automated deploys are held since a rollback at ${hold.since}.` }]
      : []),
    ...(await problemsOfRuntimeConfig(store.read, runtime_config, environment)),
  ]
  const side = made && (await toSide(studio, wanted, made, runtime_config))
  const served = live && side && (await findRelease(store.read, live.deployment_id, live.number))
  const unchanged = live !== undefined && side !== undefined && isServed(live, side.shown.digest) && !wanted.force
  return {
    dry_run: true,
    valid: errors.length === 0,
    errors,
    warnings: found.warnings,
    deployment_name,
    environment,
    unchanged,
    needs_approval: protections.get(environment)?.approval === true && !unchanged,
    release: side
      ? {
          number: unchanged ? live.number : (existing?.last_release ?? 0) + 1,
          digest: side.shown.digest,
          definition_digest: side.shown.definition_digest,
          runtime_config,
        }
      : null,
    diff: served && side ? await compareReleases(studio.secrets, await sideOf(store.read, served), side) : null,
    in_flight: existing
      ? (await countInFlight(store.read, [existing.deployment_id])).get(existing.deployment_id)!
      : { queued: 0, running: 0, waiting: 0 },
  }
}

async function toSide({ store }: Studio, { name, environment }: Wanted, made: Definition, runtime_config: RuntimeConfig): Promise<Side> {
  const { definition, definition_digest, workflow } = made
  const digest = releaseDigest(definition, runtime_config)
  return {
    shown: { deployment_name: name, environment, release: null, workflow_id: workflow.workflow_id, digest, definition_digest },
    definition,
    runtime_config,
    references: made.references ?? (await referencesOf(store.read, definition_digest)),
  }
}
