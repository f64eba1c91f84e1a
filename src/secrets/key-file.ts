import { closeSync, constants, fstatSync, openSync, readFileSync, statSync, type Stats } from 'node:fs'
import { SealingKey } from './sealing.ts'

/** The file is looked at again at most so often, when a key is asked for. Milliseconds. */
export const LOOK_EVERY_MS = 1_000

const MOST_BYTES = 65_536
const MOST_KEYS = 100

/** Why a key file cannot be used: the end of a sentence that begins with its name, without a full stop. */
export class KeyFileUnusable extends Error {}

/**
 * The keys of the file, the first of which seals; all of them open. The file may change while the server runs: it is looked at
 * when keys are asked for. A file that has become unusable leaves the keys that are known, to open what they sealed.
 */
export class KeyFile {
  readonly #path: string
  readonly #now: () => number
  #keys: readonly SealingKey[]
  /** Of the file as it was read last. */
  #seen: string
  #lookedAt: number
  #problem: string | undefined

  /** @throws KeyFileUnusable @param now monotonic milliseconds */
  constructor(path: string, now: () => number = () => performance.now()) {
    this.#path = path
    this.#now = now
    this.#lookedAt = now()
    this.#seen = stampOf(path)
    this.#keys = readKeys(path)
  }

  /** Of all keys, the first one first. */
  get ids(): string[] {
    this.#look()
    return this.#keys.map(({ id }) => id)
  }

  /** Why the file cannot be used just now, where it cannot. */
  get problem(): string | undefined {
    this.#look()
    return this.#problem
  }

  /** @throws KeyFileUnusable: what is sealed with a key that is in no file any more would soon be lost */
  get first(): SealingKey {
    this.#look()
    if (this.#problem !== undefined) throw new KeyFileUnusable(this.#problem)
    return this.#keys[0]!
  }

  /** Looks into the file at once where the key is not known: it may have been added just now. */
  find(id: string): SealingKey | undefined {
    this.#look()
    return this.#known(id) ?? (this.#readAgain(), this.#known(id))
  }

  /** As it is now, whenever it was looked at. */
  refresh(): void {
    this.#readAgain()
  }

  #known(id: string): SealingKey | undefined {
    return this.#keys.find((key) => key.id === id)
  }

  #look(): void {
    if (this.#now() - this.#lookedAt < LOOK_EVERY_MS) return
    this.#lookedAt = this.#now()
    if (stampOf(this.#path) !== this.#seen) this.#readAgain()
  }

  #readAgain(): void {
    // Before it is read: what changes meanwhile is seen the next time.
    this.#seen = stampOf(this.#path)
    try {
      this.#keys = readKeys(this.#path)
      this.#problem = undefined
    } catch (error) {
      if (!(error instanceof KeyFileUnusable)) throw error
      this.#problem = error.message
    }
  }
}

/** What changes when the file does, its rights included. */
function stampOf(path: string): string {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false })
  return found ? [found.dev, found.ino, found.size, found.mtimeNs, found.ctimeNs].join(' ') : ''
}

/** @throws KeyFileUnusable */
export function readKeys(path: string): SealingKey[] {
  return parseKeys(readSafely(path)).map((key) => new SealingKey(key))
}

function readSafely(path: string): Buffer {
  let file: number
  try {
    // Of a pipe it would otherwise wait for somebody who writes.
    file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new KeyFileUnusable(code === 'ENOENT' ? 'does not exist' : `cannot be read: ${message}`)
  }
  try {
    // Of what was opened: the name may stand for something else by now.
    const found = fstatSync(file)
    if (!found.isFile()) throw new KeyFileUnusable('is no file')
    // Windows has other rights, and says 0o666 of every file.
    const shared = process.platform === 'win32' ? undefined : sharedWith(found, process.geteuid!())
    if (shared !== undefined) throw new KeyFileUnusable(shared)
    if (found.size > MOST_BYTES) throw new KeyFileUnusable('is far too large to be one')
    return readFileSync(file)
  } finally {
    closeSync(file)
  }
}

/** Why a file is not for the one user alone who runs this, where it is not. */
export function sharedWith({ mode, uid }: Pick<Stats, 'mode' | 'uid'>, own: number): string | undefined {
  if ((mode & 0o077) !== 0) {
    const shown = (mode & 0o777).toString(8).padStart(3, '0')
    return `can be read or written by others than its owner (its mode is ${shown}; chmod 600 mends that)`
  }
  // Root reads the files of everybody, and everybody can read their own.
  return uid === own || uid === 0 ? undefined : 'belongs to another user than the one who runs this (chown mends that)'
}

/**
 * One key a line, in hexadecimal or base64; empty lines and those that begin with # do not count. Or nothing but 32 bytes.
 * @throws KeyFileUnusable, which never quotes the file
 */
export function parseKeys(content: Buffer): Buffer[] {
  if (content.length === 32 && !isPrintable(content)) return [content]
  const lines = content.toString('latin1').split(/\r\n|\n|\r/)
  const keys = lines.flatMap((text, index) => {
    const line = text.trim()
    return line === '' || line.startsWith('#') ? [] : [parseKey(line, index + 1)]
  })
  if (keys.length === 0) throw new KeyFileUnusable('holds no key')
  if (keys.length > MOST_KEYS) throw new KeyFileUnusable(`holds more than ${MOST_KEYS} keys`)
  const distinct = new Set(keys.map((key) => key.toString('hex')))
  if (distinct.size < keys.length) throw new KeyFileUnusable('holds the same key twice')
  return keys
}

function parseKey(line: string, number: number): Buffer {
  const key = /^[0-9a-f]{64}$/i.test(line)
    ? Buffer.from(line, 'hex')
    : /^[A-Za-z0-9+/_-]{43}=?$/.test(line)
      ? Buffer.from(line, 'base64')
      : undefined
  if (key?.length !== 32) {
    throw new KeyFileUnusable(
      `is malformed in line ${number}: a key is 32 random bytes, as 64 hexadecimal digits or 44 characters of base64`,
    )
  }
  if (new Set(key).size < 8) throw new KeyFileUnusable(`has a key in line ${number} that is not random`)
  return key
}

/** A password is no key: what people think of has far less than 256 random bits. */
function isPrintable(bytes: Buffer): boolean {
  return bytes.every((byte) => byte >= 0x20 && byte < 0x7f)
}
