import { DeploymentNotFound, ReleaseNotFound } from '../errors.ts'
import type { Db } from '../store/store.ts'
import type { DeploymentRow } from '../store/tables.ts'
import { findRelease, type ReleaseRecord } from './release-list-repository.ts'
import { findDeployments, type NamedDeployment } from './repository.ts'

/** The first of that name, whatever its status. @throws DeploymentNotFound */
export async function getNamed(db: Db, { name, environments }: Omit<NamedDeployment, 'now'>): Promise<DeploymentRow> {
  const [found] = await findDeployments(db, name, environments)
  if (!found) throw new DeploymentNotFound({ name, searched: [...environments] })
  return found
}

/** @throws ReleaseNotFound */
export async function getRelease(db: Db, deployment: DeploymentRow, release = deployment.live_release): Promise<ReleaseRecord> {
  const found = await findRelease(db, deployment.deployment_id, release)
  const { name, environment, last_release: last } = deployment
  if (!found) throw new ReleaseNotFound({ name, environment, release, last })
  return found
}
