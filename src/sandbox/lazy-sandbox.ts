import { ShuttingDown } from '../errors.ts'
import type { PoolOptions, ProcessPool } from './process-pool.ts'
import type { Program, ProgramResult, Sandbox } from './sandbox.ts'

/** Loads the pool with the first program: most servers never run one, and a start should not pay for it. */
export class LazySandbox implements Sandbox {
  readonly #options: PoolOptions
  #pool: Promise<ProcessPool> | undefined
  #isClosed = false

  constructor(options: PoolOptions = {}) {
    this.#options = options
  }

  async run(program: Program, signal: AbortSignal): Promise<ProgramResult> {
    if (this.#isClosed) throw new ShuttingDown({})
    this.#pool ??= import('./process-pool.ts').then(({ ProcessPool }) => new ProcessPool(this.#options))
    return (await this.#pool).run(program, signal)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await (await this.#pool)?.close()
  }
}
