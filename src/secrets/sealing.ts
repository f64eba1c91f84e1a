import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto'

/** AES-256-GCM (NIST SP 800-38D), with a nonce of its own for each write. */
const CIPHER = 'aes-256-gcm'
const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** What is sealed is filled up to a multiple of this, so that a short secret does not show its length. */
const BLOCK_BYTES = 64

/** Whose value it is. A value that was moved to another row does not open there. */
export interface Place {
  environment: string
  name: string
}

/** One key to seal values with. */
export class SealingKey {
  /** Tells keys apart, and says nothing about them. */
  readonly id: string
  readonly #key: Buffer

  /** @param key 32 bytes */
  constructor(key: Buffer) {
    if (key.length !== KEY_BYTES) throw new Error(`a key has ${KEY_BYTES} bytes`)
    this.#key = key
    this.id = createHmac('sha256', key).update('agent-studio key id').digest('hex').slice(0, 16)
  }

  /** @returns nonce, sealed text and tag, one after the other */
  seal(value: string, place: Place): Uint8Array {
    const nonce = randomBytes(NONCE_BYTES)
    const cipher = createCipheriv(CIPHER, this.#key, nonce, { authTagLength: TAG_BYTES })
    cipher.setAAD(this.#associated(place))
    // Memory of its own: what crosses a thread takes along what lies beside it, and that may be anything.
    return new Uint8Array(Buffer.concat([nonce, cipher.update(padded(value)), cipher.final(), cipher.getAuthTag()]))
  }

  /** Undefined for what this key did not seal for this place, or what was changed since. */
  open(sealed: Uint8Array, place: Place): string | undefined {
    if (sealed.length < NONCE_BYTES + TAG_BYTES) return undefined
    const decipher = createDecipheriv(CIPHER, this.#key, sealed.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
    decipher.setAAD(this.#associated(place))
    decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES))
    try {
      return unpadded(Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]))
    } catch {
      // The only thing that Node throws here: the tag does not fit.
      return undefined
    }
  }

  /** As JSON, so that no two places give the same bytes. */
  #associated({ environment, name }: Place): Buffer {
    return Buffer.from(JSON.stringify(['agent-studio secret 1', this.id, environment, name]))
  }
}

/** ISO/IEC 7816-4: one bit that says where the value ends, then zeros. */
function padded(value: string): Buffer {
  const bytes = Buffer.from(value)
  const filled = Buffer.alloc(Math.ceil((bytes.length + 1) / BLOCK_BYTES) * BLOCK_BYTES)
  bytes.copy(filled)
  filled[bytes.length] = 0x80
  return filled
}

function unpadded(bytes: Buffer): string {
  return bytes.subarray(0, bytes.lastIndexOf(0x80)).toString()
}
