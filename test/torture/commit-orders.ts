import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { preload } from './preload.ts'

/** What happens at which commit, counted from 1 since the order was given. */
export interface CommitOrder {
  commit: number
  what: 'kill before' | 'kill after' | 'fail before' | 'fail after'
}

/** What is behind the name of the orders' file in that of the notes on commits which a power cut would take. */
export const UNSAFE = '.unsafe'

/** In one step, since it may be read at any moment. */
export function writeOrder(file: string, order: CommitOrder): void {
  writeFileSync(`${file}.new`, JSON.stringify(order))
  renameSync(`${file}.new`, file)
}

/** Orders to a server that was started with `env`, obeyed at one of its next commits. */
export class CommitOrders {
  readonly #file: string
  readonly env: Record<string, string>

  constructor(folder: string) {
    this.#file = join(folder, 'orders.json')
    this.env = preload('./preloads/at-commit.ts', { TORTURE_ORDERS: this.#file })
  }

  give(order: CommitOrder): void {
    writeOrder(this.#file, order)
  }

  /** How commits were made that a power cut would take. */
  get unsafe(): string[] {
    const notes = this.#file + UNSAFE
    return existsSync(notes) ? [...new Set(readFileSync(notes, 'utf8').trim().split('\n'))] : []
  }

  takeBack(): void {
    rmSync(this.#file, { force: true })
  }
}
