import { createHmac, randomBytes, type KeyObject } from 'node:crypto'
import { crc32 } from 'node:zlib'

/**
 * A key is `as_<id>_<secret><checksum>`, in letters and digits, so that a double click takes all of it. The prefix is for
 * scanners of repositories and logs, the checksum tells them what is a key and what only looks like one. The part before the
 * secret is public: it names the key.
 */

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const ID_LENGTH = 12
/** Of 62 characters each: 256 random bits. */
const SECRET_LENGTH = 43
const CHECKSUM_LENGTH = 6

const KEY = new RegExp(`^(as_[0-9A-Za-z]{${ID_LENGTH}})_[0-9A-Za-z]{${SECRET_LENGTH + CHECKSUM_LENGTH}}$`)
const KEY_WITHIN = new RegExp(`as_[0-9A-Za-z]{${ID_LENGTH}}_[0-9A-Za-z]{${SECRET_LENGTH + CHECKSUM_LENGTH}}`)

export const keyIdPattern = `^as_[0-9A-Za-z]{${ID_LENGTH}}$`

export interface NewKeyText {
  /** The public part. */
  key_id: string
  /** All of it, with the secret. */
  key: string
}

export function makeKey(): NewKeyText {
  const key_id = `as_${randomText(ID_LENGTH)}`
  const body = `${key_id}_${randomText(SECRET_LENGTH)}`
  return { key_id, key: body + checksum(body) }
}

/** The public part of what is a key by its form and its checksum; undefined for anything else. */
export function keyIdOf(text: string): string | undefined {
  const key_id = KEY.exec(text)?.[1]
  const end = text.length - CHECKSUM_LENGTH
  return key_id !== undefined && text.slice(end) === checksum(text.slice(0, end)) ? key_id : undefined
}

/** Whether something in the text has the form of a key, with a checksum or with a typing error in it. */
export function containsKey(text: string): boolean {
  return text.includes('as_') && KEY_WITHIN.test(text)
}

/** HMAC-SHA-256. Takes two microseconds. */
export function hashKey(key: string, pepper: KeyObject): Buffer {
  return createHmac('sha256', pepper).update(key).digest()
}

function randomText(length: number): string {
  let text = ''
  while (text.length < length) {
    for (const byte of randomBytes(length)) {
      // 248 is four times 62: beyond it the first characters would come more often.
      if (byte < 248 && text.length < length) text += ALPHABET[byte % 62]
    }
  }
  return text
}

function checksum(text: string): string {
  let rest = crc32(text)
  let digits = ''
  for (let index = 0; index < CHECKSUM_LENGTH; index++) {
    digits = ALPHABET[rest % 62] + digits
    rest = Math.floor(rest / 62)
  }
  return digits
}
