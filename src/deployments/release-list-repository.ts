import type { DefinitionReferences } from '../secrets/reference-repository.ts'
import type { Db } from '../store/store.ts'

/** Releases with what of the executions goes to them now. */
function selectReleases(db: Db) {
  return db
    .selectFrom('releases as l')
    .innerJoin('deployments as d', 'd.deployment_id', 'l.deployment_id')
    .leftJoin('routes as r', (join) => join.onRef('r.deployment_id', '=', 'l.deployment_id').onRef('r.release_number', '=', 'l.number'))
    .select([
      'l.deployment_id',
      'd.name',
      'd.environment',
      'd.live_release',
      'l.number',
      'l.digest',
      'l.definition_digest',
      'l.runtime_config',
      'l.workflow_id',
      'l.workflow_name',
      'l.workflow_version',
      'l.workflow_description',
      'l.created_at',
      'l.created_by',
      'l.note',
      'l.made_by',
      'l.made_from',
      'l.key_id',
      'l.key_name',
      'l.proposal_id',
      'r.percent',
      'r.tag',
    ])
}

export type ReleaseRecord = Awaited<ReturnType<ReturnType<typeof selectReleases>['executeTakeFirstOrThrow']>>

/** The newest first. @param before a number that is not among them */
export function listReleases(
  db: Db,
  deployment_id: string,
  { before, limit }: { before: number | undefined; limit: number },
): Promise<ReleaseRecord[]> {
  let query = selectReleases(db).where('l.deployment_id', '=', deployment_id)
  if (before !== undefined) query = query.where('l.number', '<', before)
  return query.orderBy('l.number', 'desc').limit(limit).execute()
}

export function findRelease(db: Db, deployment_id: string, number: number): Promise<ReleaseRecord | undefined> {
  return selectReleases(db).where('l.deployment_id', '=', deployment_id).where('l.number', '=', number).executeTakeFirst()
}

/** As JSON text. */
export async function definitionOf(db: Db, definition_digest: string): Promise<string> {
  const { definition } = await db
    .selectFrom('definitions')
    .select('definition')
    .where('definition_digest', '=', definition_digest)
    .executeTakeFirstOrThrow()
  return definition
}

/** By name. */
export async function referencesOf(db: Db, definition_digest: string): Promise<DefinitionReferences> {
  const rows = await db
    .selectFrom('definition_references')
    .select(['kind', 'name'])
    .where('definition_digest', '=', definition_digest)
    .orderBy('name')
    .execute()
  const named = (wanted: string): string[] => rows.flatMap(({ kind, name }) => (kind === wanted ? [name] : []))
  return { secrets: named('secret'), variables: named('variable'), providerKeys: named('provider_key') }
}
