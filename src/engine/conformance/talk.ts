import { expect } from 'vitest'
import { agents, type EngineUnderTest } from '../../../test/support/engine.ts'
import { until } from '../../../test/support/api.ts'
import { cancelExecution } from '../../executions/in-flight-repository.ts'
import type { AdmissionRequest } from '../dispatcher.ts'
import type { AdmittedExecution, RuntimeConfig } from '../journal.ts'
import type { Outcome } from '../outcome.ts'

export interface Said {
  execution: AdmittedExecution
  outcome: Promise<Outcome>
}

export interface Call {
  query: string
  /** What was said before, as the model was told. */
  before: string[]
  answer: (text?: string) => void
  fail: () => void
}

export const named = { session_id: 's' }

/** Talks to a deployment named `chat`, in one session where nothing else is said. */
export function talkTo(engine: () => EngineUnderTest) {
  /** Model calls that are under way, in the order in which they came. */
  const callsHeld = (): Call[] => {
    const calls: Call[] = []
    engine().models.replies = [
      ({ messages, signal }) =>
        new Promise((resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error))
          const said = messages.map((message) => ('text' in message ? message.text : ''))
          const query = said.pop()!
          calls.push({
            query,
            before: said,
            answer: (text = query.toUpperCase()) => resolve({ text }),
            fail: () => reject(new Error('no')),
          })
        }),
    ]
    return calls
  }
  const echoes = (): void => {
    engine().models.replies = [({ messages }) => ({ text: textOf(messages.at(-1)).toUpperCase() })]
  }
  const textOf = (message: object | undefined): string => (message && 'text' in message ? String(message.text) : '')
  const say = async (query: string, more: Partial<AdmissionRequest> = {}): Promise<Said> => {
    const execution = await engine().admit('chat', { ...named, request: { query, chat_history: [] }, ...more })
    return { execution, outcome: engine().dispatcher.start(execution) }
  }
  const sayAll = async (...queries: string[]): Promise<Said[]> => {
    const said: Said[] = []
    for (const query of queries) said.push(await say(query))
    return said
  }
  const converse = async (...queries: string[]): Promise<void> => {
    for (const query of queries) expect(await (await say(query)).outcome).toMatchObject({ status: 'completed' })
  }
  const came = (calls: readonly unknown[], count: number): Promise<true> => until(async () => calls.length === count, `call ${count}`)
  const statusOf = async ({ execution }: Said): Promise<string> => (await engine().execution(execution.execution_id)).status
  const deploy = (config: Partial<RuntimeConfig> = {}): Promise<string> => engine().deploy('chat', agents({ id: 'a' }), config)
  const lastBefore = (): string[] => engine().models.requests.at(-1)!.messages.slice(0, -1).map(textOf)
  const cancel = async ({ execution }: Said): Promise<void> =>
    engine().dispatcher.cancel([
      await engine().store.write(cancelExecution, { execution_id: execution.execution_id, now: engine().clock.now() }),
    ])
  return { callsHeld, echoes, say, sayAll, converse, came, statusOf, deploy, lastBefore, textOf, cancel }
}
