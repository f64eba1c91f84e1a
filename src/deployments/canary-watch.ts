import type { Clock } from '../clock.ts'
import type { Store } from '../store/store.ts'
import { anyGuards, withdrawReleases } from './traffic-repository.ts'

export interface CanaryWatchOptions {
  store: Store
  clock: Pick<Clock, 'now'>
  /** The deployment serves other releases from now on. */
  heedDeployment: (deploymentId: string) => void
  onFault: (error: unknown) => void
}

/**
 * Acts on releases that passed a bound of their guard. What they did is counted with the end of each execution, so that a process
 * that is killed in between loses nothing: the next one acts when it starts.
 */
export class CanaryWatch {
  readonly #options: CanaryWatchOptions
  /** Deployments that are seen to. */
  readonly #busy = new Set<string>()

  constructor(options: CanaryWatchOptions) {
    this.#options = options
  }

  /** A bound is passed. It is said again with each execution that ends until something has become of it. */
  boundPassed(deployment_id: string): void {
    if (this.#busy.has(deployment_id)) return
    this.#busy.add(deployment_id)
    this.#withdraw({ deployment_id })
      .catch(this.#options.onFault)
      .finally(() => this.#busy.delete(deployment_id))
  }

  /** What a process before this one had no time for. Where nothing is watched, nothing is written. */
  async catchUp(): Promise<void> {
    if (await anyGuards(this.#options.store.read)) await this.#withdraw({})
  }

  async #withdraw(which: { deployment_id?: string }): Promise<void> {
    const { store, clock, heedDeployment } = this.#options
    const withdrawn = await store.write(withdrawReleases, { ...which, now: clock.now() })
    for (const id of withdrawn) heedDeployment(id)
  }
}
