import { until } from '../../../test/support/api.ts'
import { agents, type EngineUnderTest } from '../../../test/support/engine.ts'
import type { AdmittedExecution, RuntimeConfig } from '../journal.ts'
import type { Outcome } from '../outcome.ts'
import { calling, held } from './replies.ts'

/** Admits and starts in one go, as a request does. */
export async function begin(engine: EngineUnderTest, name: string): Promise<{ execution: AdmittedExecution; outcome: Promise<Outcome> }> {
  const execution = await engine.admit(name)
  return { execution, outcome: engine.dispatcher.start(execution) }
}

/** A team of two, in three turns. The lead's first is under way, and ends when the test says so. */
export async function startTeam(engine: EngineUnderTest, name: string, config: Partial<RuntimeConfig> = {}) {
  await engine.deploy(name, agents({ id: 'lead', calls: ['b'] }, { id: 'b' }), config)
  const first = held(calling('b'))
  engine.models.replies = [first.reply, () => ({ text: 'from b' }), () => ({ text: 'end' })]
  const { execution, outcome } = await begin(engine, name)
  await until(async () => engine.models.requests.length === 1, 'the call')
  return { id: execution.execution_id, outcome, finish: first.go }
}

export async function rested(engine: EngineUnderTest, id: string): Promise<void> {
  await until(async () => (await engine.execution(id)).status === 'waiting', 'the rest')
}

export async function ended(engine: EngineUnderTest, id: string): Promise<void> {
  await until(async () => (await engine.execution(id)).ended_at !== null, 'the end')
}
