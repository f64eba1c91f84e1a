import { createHmac } from 'node:crypto'

/** What a webhook is signed over, by the Standard Webhooks specification 1.0.0. */
export interface SignedMessage {
  id: string
  /** Seconds since 1970. */
  timestamp: number
  body: string
}

/** @param secret as `whsec_` and base64, or any text, whose bytes are the key */
export function sign({ id, timestamp, body }: SignedMessage, secret: string): string {
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice('whsec_'.length), 'base64') : Buffer.from(secret)
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`
}
