import { environmentsWithin, reachesName, type Caller } from '../access/caller.ts'
import { searchOrder } from '../environments.ts'
import { DeploymentNotFound } from '../errors.ts'
import type { Studio } from '../studio.ts'
import type { NamedDeployment } from './repository.ts'

/** Of a request that gives a name: where it is looked up. */
export interface Asked {
  caller: Caller
  name: string
  query: { environment?: string }
  body?: { environment?: string }
}

/** @throws DeploymentNotFound for a name that the caller cannot see, as for one that there is not; InvalidInput for an unknown environment */
export function named(
  { environments, clock }: Pick<Studio, 'environments' | 'clock'>,
  { caller, name, query, body = {} }: Asked,
): NamedDeployment {
  const seen = environmentsWithin(caller, environments)
  const searched =
    query.environment === undefined
      ? searchOrder(seen, body.environment, '/environment')
      : searchOrder(seen, query.environment, '?environment')
  if (!reachesName(caller, name)) throw new DeploymentNotFound({ name, searched: [...searched] })
  return { name, environments: searched, now: clock.now() }
}
