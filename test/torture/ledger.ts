import type { Answer, StreamedEvent } from '../support/api.ts'
import type { Input, Output } from './deployment-model.ts'
import type { Operation } from './linearizable.ts'

/** Something that was asked for; `answer` once it was answered. */
export interface Asking {
  answer?: Answer['body']
}

/** An execution that was asked for, and what was done with it then. */
export interface Asked extends Asking {
  query: string
  name: string
  /** How often the name had been deleted before. */
  era: number
  /** Sent with it, so that it may be sent again. */
  key?: string
  cancel?: Asking
  resume?: Asking
  removal?: Asking
  /** From the answer to a freeze until it was asked to go on, no model may be called: how many calls there were at its beginning. */
  frozenAt?: number
}

/** What a client asked a server, and what it was told, on names of its own. */
export class Ledger {
  readonly prefix: string
  readonly workflows = new Map<string, Asking>()
  /** What was done to the name that the most happens to. */
  readonly history: Operation<Input, Output>[] = []
  readonly asked: Asked[] = []
  readonly deletions: { name: string; era: number; answered: boolean }[] = []
  /** The stream that is read, joined over everything that cuts it. */
  readonly streamed: StreamedEvent[] = []
  readonly problems: string[] = []

  /** @param prefix of all names, which no other ledger on the same database has */
  constructor(prefix: string) {
    this.prefix = prefix
  }

  name(name: string): string {
    return `${this.prefix}-${name}`
  }

  /** The names that executions were asked of. */
  get names(): string[] {
    return [...new Set(this.asked.map(({ name }) => name))]
  }

  ask(name: string): Asked {
    const asked: Asked = { query: `${this.prefix}:${this.asked.length}`, name, era: this.eraOf(name) }
    this.asked.push(asked)
    return asked
  }

  eraOf(name: string): number {
    return this.deletions.filter((deletion) => deletion.name === name).length
  }

  expect(holds: boolean, problem: string): void {
    if (!holds) this.problems.push(`${this.prefix}: ${problem}`)
  }
}
