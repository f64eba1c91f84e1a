import { SecretMissing, SecretUnreadable } from '../errors.ts'
import type { Store } from '../store/store.ts'
import { turnTime } from '../turn-time.ts'
import type { SecretRow } from '../store/tables.ts'
import { formsOf } from './forms.ts'
import type { KeyFile } from './key-file.ts'
import { secretsOf } from './repository.ts'
import { revisionOf } from './reference-repository.ts'
import { Scrubber } from './scrubber.ts'
import type { Place } from './sealing.ts'
import type { Masks, Secrets } from './secrets.ts'

export type Unreadable = 'no_key' | 'damaged'

/** A secret in memory, for as long as executions of its environment run. */
interface Known {
  version: number
  created_at: number
  key_id: string
  /** Undefined where it cannot be decrypted, for the reason beside it. */
  value: string | undefined
  unreadable: Unreadable | undefined
  forms: readonly string[]
}

interface Held {
  revision: number
  secrets: ReadonlyMap<string, Known>
  /** What was replaced or deleted, and what may still be under way with it. */
  retired: readonly { forms: readonly string[]; until: number }[]
  /** Undefined where there is nothing to hide. */
  scrubber: Scrubber | undefined
  checkedAt: number
  usedAt: number
}

/** What another process changes in the database is noticed after so long at most. Milliseconds. */
const FRESH_MS = 1_000
/** Values leave the memory when nothing has run in their environment for so long. */
const IDLE_MS = 5 * 60_000
/** How long a value that was replaced or deleted is hidden still. */
const RETIRED_MS = 60 * 60_000

export interface VaultOptions {
  store: Pick<Store, 'read'>
  /** Undefined where the server was given none. */
  keys: KeyFile | undefined
  /** What is hidden in every environment: the keys of providers that are no secrets of ours. */
  alwaysHidden: readonly string[]
  /** Monotonic milliseconds. */
  now?: () => number
  /** Told of a secret that cannot be decrypted, each time that it is read. */
  onUnreadable: (secret: Place & { key_id: string; why: Unreadable }) => void
  onFault: (error: unknown) => void
}

/**
 * What the database has sealed, opened while it is needed. It holds the values of environments in which something runs, since
 * they can be hidden only by somebody who knows them.
 */
export class Vault implements Secrets, Masks {
  readonly #options: VaultOptions
  readonly #now: () => number
  readonly #environments = new Map<string, Held>()
  readonly #loading = new Map<string, Promise<void>>()
  readonly #alwaysHidden: readonly string[]
  readonly #known: Scrubber | undefined
  readonly #idle: NodeJS.Timeout

  constructor(options: VaultOptions) {
    this.#options = options
    this.#now = options.now ?? turnTime
    this.#alwaysHidden = options.alwaysHidden.flatMap(formsOf)
    this.#known = scrubberOf(this.#alwaysHidden)
    this.#idle = setInterval(() => this.forgetIdle(), IDLE_MS / 10)
    this.#idle.unref()
  }

  async find(environment: string, name: string): Promise<string | undefined> {
    await this.ready(environment)
    const known = this.#environments.get(environment)!.secrets.get(name)
    if (known?.unreadable) throw new SecretUnreadable({ environment, name, key_id: known.key_id, why: known.unreadable })
    return known?.value
  }

  async resolve(environment: string, name: string): Promise<string> {
    const value = await this.find(environment, name)
    if (value === undefined) throw new SecretMissing({ environment, name })
    return value
  }

  async resolveAll(environment: string, names: readonly string[]): Promise<Record<string, string>> {
    const values: Record<string, string> = {}
    for (const name of names) values[name] = await this.resolve(environment, name)
    return values
  }

  ready(environment: string): Promise<void> | undefined {
    const held = this.#environments.get(environment)
    const now = this.#now()
    if (held) held.usedAt = now
    return held && now - held.checkedAt < FRESH_MS ? undefined : this.#refresh(environment)
  }

  of(environment: string): Scrubber | undefined {
    const held = this.#environments.get(environment)
    if (!held) return this.#known
    const now = this.#now()
    held.usedAt = now
    // Asked for on the hot path, which waits for nothing: what is found counts for the next question.
    if (now - held.checkedAt >= FRESH_MS) this.#refresh(environment).catch(this.#options.onFault)
    return held.scrubber
  }

  /** Hides what is known of all environments: for logs, which belong to none. */
  scrub(text: string): string {
    let clean = this.#known?.scrub(text) ?? text
    for (const { scrubber } of this.#environments.values()) clean = scrubber?.scrub(clean) ?? clean
    return clean
  }

  /** To be called after a change of ours, before it is answered: from then on nobody gets the value of before. */
  async changed(environment: string): Promise<void> {
    await this.#loading.get(environment)
    const held = this.#environments.get(environment)
    if (!held) return
    held.checkedAt = -Infinity
    await this.#refresh(environment)
  }

  /** Whether a secret could be decrypted, as far as its row says: looked at for lists, so nothing is decrypted. */
  hasKey(key_id: string): boolean {
    return this.#options.keys?.find(key_id) !== undefined
  }

  forgetIdle(): void {
    const now = this.#now()
    for (const [environment, held] of this.#environments) {
      const retired = held.retired.filter(({ until }) => until > now)
      if (now - held.usedAt < IDLE_MS || retired.length > 0) continue
      this.#environments.delete(environment)
    }
  }

  close(): void {
    clearInterval(this.#idle)
    this.#environments.clear()
  }

  #refresh(environment: string): Promise<void> {
    const loading = this.#loading.get(environment)
    if (loading) return loading
    const refreshed = this.#load(environment).finally(() => this.#loading.delete(environment))
    this.#loading.set(environment, refreshed)
    return refreshed
  }

  async #load(environment: string): Promise<void> {
    const { read } = this.#options.store
    const before = this.#environments.get(environment)
    const now = this.#now()
    const revision = await revisionOf(read, environment, 'secrets')
    if (before && before.revision === revision && !this.#mayOpenMore(before)) {
      before.checkedAt = now
      // It may have been forgotten while it was looked up.
      this.#environments.set(environment, before)
      return
    }
    const rows = await secretsOf(read, environment)
    const secrets = new Map(rows.map((row) => [row.name, this.#open(row, before?.secrets.get(row.name))]))
    const retired = [...(before?.retired ?? []).filter(({ until }) => until > now), ...retiredBy(secrets, before, now + RETIRED_MS)]
    const forms = [...this.#alwaysHidden, ...[...secrets.values(), ...retired].flatMap((one) => one.forms)]
    this.#environments.set(environment, { revision, secrets, retired, scrubber: scrubberOf(forms), checkedAt: now, usedAt: now })
  }

  /** A key that was missing may be in the file by now. */
  #mayOpenMore({ secrets }: Held): boolean {
    return [...secrets.values()].some(({ unreadable, key_id }) => unreadable === 'no_key' && this.hasKey(key_id))
  }

  #open(row: SecretRow, before: Known | undefined): Known {
    const { environment, name, version, created_at, key_id, sealed } = row
    // Sealed anew with another key it is the same value.
    if (before?.value !== undefined && before.version === version && before.created_at === created_at) return { ...before, key_id }
    const key = this.#options.keys?.find(key_id)
    const value = key?.open(sealed, { environment, name })
    const unreadable = value !== undefined ? undefined : key ? 'damaged' : 'no_key'
    if (unreadable) this.#options.onUnreadable({ environment, name, key_id, why: unreadable })
    return { version, created_at, key_id, value, unreadable, forms: value === undefined ? [] : formsOf(value) }
  }
}

function retiredBy(secrets: ReadonlyMap<string, Known>, before: Held | undefined, until: number) {
  const gone = [...(before?.secrets ?? [])].filter(([name, { value }]) => value !== undefined && secrets.get(name)?.value !== value)
  return gone.map(([, { forms }]) => ({ forms, until }))
}

function scrubberOf(forms: readonly string[]): Scrubber | undefined {
  return forms.length > 0 ? new Scrubber(forms) : undefined
}
