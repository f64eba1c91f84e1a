import { compareDefinitions, compareObjects } from '../comparison/compare-definitions.ts'
import type { DefinitionDifference, Difference } from '../comparison/comparison.ts'
import type { Definition } from '../graph/definition.ts'
import { ownTurn } from '../own-turn.ts'
import type { DefinitionReferences } from '../secrets/reference-repository.ts'
import type { Masks } from '../secrets/secrets.ts'
import type { Db } from '../store/store.ts'
import { definitionOf, referencesOf, type ReleaseRecord } from './release-list-repository.ts'

/** What is compared: a release, or what would be one. */
export interface Side {
  shown: SideView
  /** As JSON text. */
  definition: string
  runtime_config: object
  references: Pick<DefinitionReferences, 'secrets' | 'variables'>
}

/** What the answer says of it. */
export interface SideView {
  deployment_name: string
  environment: string
  /** The release; null for a draft. */
  release: number | null
  workflow_id: string
  digest: string
  definition_digest: string
}

interface NameDifference {
  added: string[]
  removed: string[]
}

export interface ReleaseDifference extends DefinitionDifference {
  from: SideView
  to: SideView
  /** Whether executions would run the same. */
  identical: boolean
  runtime_config: Difference[]
  references: { secrets: NameDifference; variables: NameDifference }
}

export async function sideOf(db: Db, record: ReleaseRecord): Promise<Side> {
  const { name: deployment_name, environment, number: release, workflow_id, digest, definition_digest } = record
  return {
    shown: { deployment_name, environment, release, workflow_id, digest, definition_digest },
    definition: await definitionOf(db, definition_digest),
    runtime_config: JSON.parse(record.runtime_config),
    references: await referencesOf(db, definition_digest),
  }
}

/** Nothing of it is a secret's value: what somebody wrote out in plain text is hidden. */
export async function compareReleases(masks: Masks, from: Side, to: Side): Promise<ReleaseDifference> {
  // Definitions may be megabytes.
  await ownTurn()
  const isSame = from.shown.definition_digest === to.shown.definition_digest
  const environments = [from.shown.environment, to.shown.environment]
  // Before they are compared: of a text that was cut in lines nobody would know what was in it.
  const read = ({ definition }: Side): Promise<Definition> =>
    hideSecrets(masks, environments, JSON.parse(isSame ? '{"agents":[],"connections":[]}' : definition) as Definition)
  return {
    from: from.shown,
    to: to.shown,
    identical: from.shown.digest === to.shown.digest,
    ...(await compareDefinitions(await read(from), await read(to))),
    runtime_config: await compareObjects(from.runtime_config, to.runtime_config, '/runtime_config'),
    references: {
      secrets: namesOf(from.references.secrets, to.references.secrets),
      variables: namesOf(from.references.variables, to.references.variables),
    },
  }
}

/** Where values of these environments stand in plain text. */
export async function hideSecrets<Value>(masks: Masks, environments: readonly string[], value: Value): Promise<Value> {
  let hidden = value
  for (const environment of new Set(environments)) {
    await masks.ready(environment)
    hidden = masks.of(environment)?.scrubAll(hidden) ?? hidden
  }
  return hidden
}

function namesOf(before: readonly string[], after: readonly string[]): NameDifference {
  return { added: after.filter((name) => !before.includes(name)), removed: before.filter((name) => !after.includes(name)) }
}
