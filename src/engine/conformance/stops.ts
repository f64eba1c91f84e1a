import type { EngineUnderTest } from '../../../test/support/engine.ts'
import { reactivateDeployment } from '../../deployments/repository.ts'
import { stopDeployment, type StoppedDeployment } from '../../deployments/stop-repository.ts'

/** Stops and reactivates as the use cases of the deployments do: first the decision is on disk, then the engine is told. */

const environments = ['production']

export const freeze = async (engine: EngineUnderTest, name: string): Promise<void> =>
  engine.dispatcher.heed((await decideStop(engine, name, 'freeze')).frozen)

export const cancelAll = async (engine: EngineUnderTest, name: string): Promise<void> =>
  engine.dispatcher.cancel((await decideStop(engine, name, 'cancel')).cancelled)

/** @returns the ids of what goes on */
export async function reactivate(engine: EngineUnderTest, name: string): Promise<string[]> {
  const { thawed } = await decideThaw(engine, name)
  engine.dispatcher.heed(thawed)
  return thawed
}

/** On disk, but the engine has not been told. */
export const decideThaw = (engine: EngineUnderTest, name: string): Promise<{ thawed: string[] }> =>
  engine.store.write(reactivateDeployment, { name, environments, now: engine.clock.now() })

const decideStop = (engine: EngineUnderTest, name: string, mode: 'freeze' | 'cancel'): Promise<StoppedDeployment> =>
  engine.store.write(stopDeployment, { name, environments, mode, now: engine.clock.now() })
