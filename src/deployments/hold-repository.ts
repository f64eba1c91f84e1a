import { toTimestamp } from '../clock.ts'
import type { Db } from '../store/store.ts'
import type { DeploymentHoldRow } from '../store/tables.ts'

/** Why deploys that are marked as automated are refused. */
export interface Hold {
  since: string
  by: string | null
  reason: string | null
  from_releases: number[]
  to_release: number
}

export async function findHold(db: Db, deploymentId: string): Promise<Hold | undefined> {
  const row = await db.selectFrom('deployment_holds').selectAll().where('deployment_id', '=', deploymentId).executeTakeFirst()
  return row && toHold(row)
}

export function toHold({ since, by, reason, from_releases, to_release }: Omit<DeploymentHoldRow, 'deployment_id' | 'key_id'>): Hold {
  return { since: toTimestamp(since), by, reason, from_releases: JSON.parse(from_releases), to_release }
}

/** One that was there goes: what is held now is because of this. */
export async function beginHold(db: Db, hold: DeploymentHoldRow): Promise<void> {
  await endHold(db, hold.deployment_id)
  await db.insertInto('deployment_holds').values(hold).execute()
}

/** @returns whether there was one */
export async function endHold(db: Db, deploymentId: string): Promise<boolean> {
  const { numDeletedRows } = await db.deleteFrom('deployment_holds').where('deployment_id', '=', deploymentId).executeTakeFirst()
  return numDeletedRows > 0n
}
