import { sql, type RawBuilder } from 'kysely'
import type { Db } from '../store/store.ts'

/** Definitions are shared by their digest, and kept as long as there is a release, or an execution of a draft, that has them. */
function isUnused(definition: string): RawBuilder<boolean> {
  const digest = sql.ref(definition)
  return sql<boolean>`not exists (select 1 from releases r where r.definition_digest = ${digest})
    and not exists (select 1 from executions e where e.deployment_id <= '' and e.definition_digest = ${digest})`
}

/** @param most of them, at a time @returns whether there were any */
export async function removeUnusedDefinitions(db: Db, most: number): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('definitions')
    .where('definition_digest', 'in', (eb) =>
      eb.selectFrom('definitions as d').select('d.definition_digest').where(isUnused('d.definition_digest')).limit(most),
    )
    .executeTakeFirst()
  return numDeletedRows > 0n
}

/** Removes the rows of executions, and the definitions of those that ran drafts, where nothing else has them. */
export async function removeExecutions(db: Db, executionIds: readonly string[]): Promise<void> {
  const drafts = await db
    .selectFrom('executions')
    .select('definition_digest')
    .where('execution_id', 'in', executionIds)
    .where(sql<boolean>`deployment_id = ''`)
    .distinct()
    .execute()
  await db.deleteFrom('executions').where('execution_id', 'in', executionIds).execute()
  if (drafts.length === 0) return
  const digests = drafts.map(({ definition_digest }) => definition_digest)
  await db.deleteFrom('definitions').where('definition_digest', 'in', digests).where(isUnused('definitions.definition_digest')).execute()
}
