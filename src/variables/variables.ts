import { revisionOf } from '../secrets/reference-repository.ts'
import type { Store } from '../store/store.ts'
import { valuesOf } from './repository.ts'

/** The variables of environments, for those who fill in templates. */
export interface Variables {
  /** As they are now: what was changed by this server at once, what by another within a second. */
  of(environment: string): Promise<Readonly<Record<string, string>>>
}

const FRESH_MS = 1_000

interface Held {
  revision: number
  values: Readonly<Record<string, string>>
  checkedAt: number
}

/** Remembers what the database has, and asks it once a second whether that still holds. */
export class StoredVariables implements Variables {
  readonly #store: Pick<Store, 'read'>
  readonly #now: () => number
  readonly #environments = new Map<string, Held>()

  /** @param now monotonic milliseconds */
  constructor(store: Pick<Store, 'read'>, now: () => number = () => performance.now()) {
    this.#store = store
    this.#now = now
  }

  async of(environment: string): Promise<Readonly<Record<string, string>>> {
    const held = this.#environments.get(environment)
    const now = this.#now()
    if (held && now - held.checkedAt < FRESH_MS) return held.values
    const { read } = this.#store
    const revision = await revisionOf(read, environment, 'variables')
    const values = held?.revision === revision ? held.values : await valuesOf(read, environment)
    // A change that came meanwhile is looked for the next time.
    if (this.#environments.get(environment) === held) this.#environments.set(environment, { revision, values, checkedAt: now })
    return values
  }

  /** To be called after a change of ours, before it is answered. */
  changed(environment: string): void {
    this.#environments.set(environment, { revision: -1, values: {}, checkedAt: -Infinity })
  }
}
