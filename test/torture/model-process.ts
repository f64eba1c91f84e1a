import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

/** A call of a model, in the order in which they came. */
export interface CountedCall {
  /** Its idempotency key: `<execution>:<step>`. */
  key: string
  model: string
  /** Counted from 1, over all calls. */
  order: number
  /** Milliseconds since 1970: when it came in. */
  at: number
  state: 'open' | 'answered' | 'aborted'
}

export type Question = 'calls' | 'release'

/** A model provider in a process of its own, which is never killed: it counts what the executions did outside of the server. */
export interface ModelProcess {
  baseUrl: string
  calls(): Promise<CountedCall[]>
  /** Lets go of all calls that are held now. */
  release(): Promise<void>
  close(): Promise<void>
}

/** @param seed of what its models choose by chance */
export async function startModelProcess(seed: number): Promise<ModelProcess> {
  const child = fork(join(import.meta.dirname, 'model-process-main.ts'), [String(seed)], {
    // Nothing of the options of whoever runs the tests.
    execArgv: [],
    env: { PATH: process.env['PATH'] ?? '' },
    serialization: 'advanced',
  })
  const exited = once(child, 'exit')
  const [{ baseUrl }] = (await Promise.race([
    once(child, 'message'),
    exited.then(() => Promise.reject(new Error('the process of the models ended'))),
  ])) as [{ baseUrl: string }]

  const waiting = new Map<number, (calls: CountedCall[]) => void>()
  let asked = 0
  child.on('message', ({ id, calls }: { id: number; calls: CountedCall[] }) => {
    waiting.get(id)?.(calls)
    waiting.delete(id)
  })
  const ask = (question: Question): Promise<CountedCall[]> =>
    new Promise((resolve, reject) => {
      const id = ++asked
      waiting.set(id, resolve)
      child.send({ id, question }, (error) => error && reject(error))
    })
  return {
    baseUrl,
    calls: () => ask('calls'),
    release: async () => void (await ask('release')),
    close: async () => {
      child.disconnect()
      await exited
    },
  }
}
