import { ShuttingDown, StorageFull, StorageUnknown, type StudioError } from '../errors.ts'

/** Whether this server should be sent work, for load balancers and the like. */
export class Readiness {
  readonly #probe: () => Promise<void>
  #stopping = false
  #full = false
  #lost = false
  #probing: Promise<void> | undefined

  /** @param probe writes something to the database */
  constructor(probe: () => Promise<void>) {
    this.#probe = probe
  }

  noteStopping(): void {
    this.#stopping = true
  }

  get knowsFullDisk(): boolean {
    return this.#full
  }

  noteFullDisk(): void {
    this.#full = true
  }

  /** Nothing can be written any more. */
  noteLostDisk(): void {
    this.#lost = true
  }

  /** @returns why no work should be sent here; undefined where nothing speaks against it */
  async obstacle(): Promise<StudioError | undefined> {
    // A server that nobody sends work writes nothing, and would not learn that there is room again.
    if (this.#full && !this.#lost && !this.#stopping) await this.#probeDisk()
    if (this.#lost) return new StorageUnknown({})
    if (this.#stopping) return new ShuttingDown({})
    return this.#full ? new StorageFull({}) : undefined
  }

  #probeDisk(): Promise<void> {
    this.#probing ??= this.#probe()
      .then(
        () => void (this.#full = false),
        // It is known already, and whoever runs the store was told.
        () => undefined,
      )
      .finally(() => (this.#probing = undefined))
    return this.#probing
  }
}
