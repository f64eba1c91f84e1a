import type { Claim } from '../store/claim.ts'
import type { Admitted, Earlier } from './repository.ts'

/** A POST with an `Idempotency-Key`, while it is answered. */
export class KeyedRequest {
  /** To be given to the one command that makes the change. */
  readonly claim: Claim
  /** The execution that it started when it was sent before. */
  readonly admitted: Admitted | undefined
  readonly #endTurn: () => void
  #isHandedOver = false

  constructor(claim: Claim, { recorded, admitted }: Earlier, endTurn: () => void) {
    this.claim = recorded ? { ...claim, recorded } : claim
    this.admitted = admitted
    this.#endTurn = endTurn
    if (admitted) this.handOver()
  }

  /**
   * The execution that was admitted answers from now on: no answer is stored, and who repeats the request need not wait
   * for this one.
   */
  handOver(): void {
    this.#isHandedOver = true
    this.#endTurn()
  }

  /** For an answer that shows a secret, which is shown once and stored nowhere. */
  keepNoAnswer(): void {
    this.handOver()
  }

  get isHandedOver(): boolean {
    return this.#isHandedOver
  }

  endTurn(): void {
    this.#endTurn()
  }
}
