import { setTimeout as delay } from 'node:timers/promises'
import { AttemptFailed } from '../attempt-failed.ts'
import type { Clock } from '../clock.ts'
import { Alarm } from '../engine/alarm.ts'
import type { FailureReceiver } from '../engine/journal.ts'
import { StorageFull, StudioError } from '../errors.ts'
import { sign } from '../nodes/notify/sign.ts'
import type { Answer, Outgoing } from '../outgoing/outgoing.ts'
import { retryAfterMs } from '../retry-after.ts'
import type { Masks, Secrets } from '../secrets/secrets.ts'
import type { Store } from '../store/store.ts'
import type { FailureWebhookRow } from '../store/tables.ts'
import { fill, secretsOf } from './receiver.ts'
import { nextWebhooks, recordAttempt, type TriedWebhook } from './repository.ts'

export interface CourierOptions {
  store: Store
  outgoing: Pick<Outgoing, 'request'>
  secrets: Secrets & Masks
  clock: Clock
  /** Told how each attempt ended: `failed` is followed by another. */
  onAttempt: (outcome: 'delivered' | 'failed' | 'given_up') => void
  onFault: (error: unknown) => void
  /** Seconds before each attempt after the first; when they are used up, it is given up. */
  retries?: readonly number[]
}

/** Eight attempts in about 18 hours, as Standard Webhooks advises. Seconds. */
const RETRIES = [5, 60, 300, 1_800, 7_200, 18_000, 36_000]
/** … each a little later or earlier, so that what failed together does not come back together. */
const JITTER = 0.1
/** A receiver may ask for so much patience. Seconds. */
const LONGEST_RETRY_AFTER_S = 86_400

/** Of one attempt. A receiver has nothing to say; what it says all the same is not read beyond this. */
const LIMITS = { totalMs: 15_000, firstByteMs: 15_000, bytes: 100_000, redirects: 0 }

/** Attempts at a time, one for each deployment, so that a slow receiver holds up nobody but itself. */
const MOST_AT_ONCE = 64

/** Looks that are asked for together are one look. Milliseconds. */
const GATHER_MS = 20
/** After what could not be read or written, such as with a full disk. Milliseconds. */
const AFTER_FAULT_MS = 5_000

/**
 * Sends the webhooks that the journal recorded with the ends of failed executions. They are in the database; what is here is who is
 * under way and when to look. Each is delivered at least once, always with the same id, or given up after its last attempt.
 */
export class Courier {
  readonly #options: CourierOptions
  readonly #retries: readonly number[]
  readonly #alarm: Alarm
  readonly #stopping = new AbortController()
  /** By deployment. */
  readonly #underWay = new Map<string, Promise<void>>()
  #look: NodeJS.Timeout | undefined
  /** The deployment that came last: the next one begins after it, so that nobody is passed over for those that always have something. */
  #last = ''

  constructor(options: CourierOptions) {
    this.#options = options
    this.#retries = options.retries ?? RETRIES
    this.#alarm = new Alarm(options.clock.now, () => this.look())
  }

  /** Something may be there to be sent. */
  look(): void {
    if (this.#look || this.#stopping.signal.aborted) return
    this.#look = setTimeout(() => {
      this.#look = undefined
      this.#sendDue().catch((error: unknown) => this.#noteFault(error))
    }, GATHER_MS).unref()
  }

  /** What is under way is broken off, and sent again by a later process. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    clearTimeout(this.#look)
    this.#alarm.stop()
    await Promise.all(this.#underWay.values())
  }

  async #sendDue(): Promise<void> {
    const { store, clock } = this.#options
    const waiting = beginningAfter(this.#last, await nextWebhooks(store.read))
    const now = clock.now()
    for (const webhook of waiting) {
      const { deployment_id, next_at } = webhook
      if (this.#stopping.signal.aborted || this.#underWay.size >= MOST_AT_ONCE) return
      if (this.#underWay.has(deployment_id)) continue
      if (next_at! > now) this.#alarm.set(next_at!)
      else this.#send(webhook)
    }
  }

  #send(webhook: FailureWebhookRow): void {
    const { deployment_id } = webhook
    this.#last = deployment_id
    const sent = this.#attempt(webhook)
      .catch((error: unknown) => {
        if (!this.#stopping.signal.aborted) this.#options.onFault(error)
      })
      .finally(() => {
        this.#underWay.delete(deployment_id)
        this.look()
      })
    this.#underWay.set(deployment_id, sent)
  }

  async #attempt(webhook: FailureWebhookRow): Promise<void> {
    const failure = await this.#deliver(webhook)
    const { clock, onAttempt } = this.#options
    const { seq, deployment_id, attempts } = webhook
    const now = clock.now()
    const pause = failure && !failure.isFinal ? this.#retries[attempts] : undefined
    const status = failure ? (pause === undefined ? 'given_up' : 'pending') : 'delivered'
    const next_at = failure && pause !== undefined ? now + Math.max(jittered(pause), failure.patienceMs) : null
    onAttempt(status === 'pending' ? 'failed' : status)
    await this.#record({ seq, deployment_id, status, now, next_at, error: failure?.message ?? null })
  }

  /** What cannot be written yet is kept: sent again instead, it would come again and again while the disk is full. */
  async #record(tried: TriedWebhook): Promise<void> {
    const { store, onFault } = this.#options
    const { signal } = this.#stopping
    for (;;) {
      try {
        return await store.write(recordAttempt, tried)
      } catch (error) {
        if (!(error instanceof StorageFull)) onFault(error)
        await delay(AFTER_FAULT_MS, undefined, { signal })
      }
    }
  }

  /** @returns why it was not delivered @throws when the process stops */
  async #deliver({ environment, receiver, webhook_id, body }: FailureWebhookRow): Promise<Undelivered | undefined> {
    const { outgoing, secrets, clock } = this.#options
    const { signal } = this.#stopping
    const named = JSON.parse(receiver) as FailureReceiver
    let filled: FailureReceiver | undefined
    try {
      filled = fill(named, await secrets.resolveAll(environment, secretsOf(named)))
      const timestamp = Math.floor(clock.now() / 1_000)
      const headers = {
        'content-type': 'application/json',
        'webhook-id': webhook_id,
        'webhook-timestamp': String(timestamp),
        'webhook-signature': sign({ id: webhook_id, timestamp, body }, filled.secret),
      }
      const answer = await outgoing.request({ url: filled.url, method: 'POST', headers, body, signal, limits: LIMITS })
      await answer.discard()
      return undeliveredBy(answer, clock.now())
    } catch (error) {
      signal.throwIfAborted()
      const cause = error instanceof AttemptFailed ? error.error : error
      if (!(cause instanceof StudioError)) this.#options.onFault(error)
      const message = cause instanceof StudioError ? cause.message : 'The webhook could not be sent.'
      const shown = filled ? withoutPlace(message, named.url, filled.url) : message
      return { message: secrets.of(environment)?.scrub(shown) ?? shown, isFinal: false, patienceMs: 0 }
    }
  }

  #noteFault(error: unknown): void {
    this.#options.onFault(error)
    this.#alarm.set(this.#options.clock.now() + AFTER_FAULT_MS)
  }
}

interface Undelivered {
  message: string
  /** No other attempt makes sense. */
  isFinal: boolean
  /** What the receiver asks for before the next attempt. */
  patienceMs: number
}

/** Anything but success is tried again, a redirect as well; 410 says that the receiver is gone for good. */
function undeliveredBy({ status, headers }: Pick<Answer, 'status' | 'headers'>, now: number): Undelivered | undefined {
  if (status >= 200 && status < 300) return undefined
  const patienceMs = Math.min(retryAfterMs(headers, now) ?? 0, LONGEST_RETRY_AFTER_S * 1_000)
  return { message: `The receiver answered with ${status}.`, isFinal: status === 410, patienceMs }
}

/** @param webhooks in the order of their deployments */
function beginningAfter(last: string, webhooks: readonly FailureWebhookRow[]): FailureWebhookRow[] {
  const isAfter = ({ deployment_id }: FailureWebhookRow): boolean => deployment_id > last
  return [...webhooks.filter(isAfter), ...webhooks.filter((one) => !isAfter(one))]
}

function jittered(seconds: number): number {
  return seconds * 1_000 * (1 - JITTER + Math.random() * 2 * JITTER)
}

/** Failures name where a request went, which may be a secret, or a part of one. */
function withoutPlace(message: string, named: string, filled: string): string {
  if (named === filled || !URL.canParse(filled)) return message
  const { origin, host } = new URL(filled)
  return message.replaceAll(filled, named).replaceAll(origin, named).replaceAll(host, named)
}
