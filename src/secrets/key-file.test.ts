import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { removeFolder, temporaryFolder } from '../../test/support/server.ts'
import { KeyFile, KeyFileUnusable, sharedWith } from './key-file.ts'
import { SealingKey } from './sealing.ts'

let folder: string
let path: string
beforeEach(() => {
  folder = temporaryFolder()
  path = join(folder, 'keys')
})
afterEach(() => removeFolder(folder))

const idOf = (key: Buffer): string => new SealingKey(key).id
const one = randomBytes(32)
const other = randomBytes(32)

function write(content: string | Buffer, mode = 0o600): void {
  rmSync(path, { force: true })
  writeFileSync(path, content, { mode })
  chmodSync(path, mode)
}

describe('a key file', () => {
  it.each([
    ['in base64', `${one.toString('base64')}\n`],
    ['in base64 without its padding', one.toString('base64').slice(0, -1)],
    ['in base64 for URLs', `${one.toString('base64url')}\r\n`],
    ['in hexadecimal', `${one.toString('hex')}\n`],
    ['in capital hexadecimal, after a comment', `# made in May\n\n  ${one.toString('hex').toUpperCase()}  \n`],
    ['as nothing but bytes', one],
  ])('holds a key %s', (_how, content) => {
    write(content)
    expect(new KeyFile(path).first.id).toBe(idOf(one))
  })

  it('seals with its first key, and opens with all', () => {
    write(`${other.toString('base64')}\n${one.toString('hex')}\n`)
    const file = new KeyFile(path)
    expect(file.first.id).toBe(idOf(other))
    expect(file.find(idOf(one))).toBeDefined()
    expect(file.find(idOf(other))).toBeDefined()
    expect(file.find('0'.repeat(16))).toBeUndefined()
  })

  it.each([
    ['is empty', '', 'holds no key'],
    ['holds comments alone', '# a key\n', 'holds no key'],
    ['holds a password', 'correct horse battery staple', 'is malformed in line 1'],
    ['holds a password of 32 characters', 'correct horse battery staple 123', 'is malformed in line 1'],
    ['holds a key of 128 bits', randomBytes(16).toString('hex'), 'is malformed in line 1'],
    ['holds a key that is too long', randomBytes(48).toString('base64'), 'is malformed in line 1'],
    ['holds a second line that is no key', `${one.toString('hex')}\nsecond`, 'is malformed in line 2'],
    ['holds the same key twice', `${one.toString('hex')}\n${one.toString('base64')}`, 'holds the same key twice'],
    ['holds zeros', '0'.repeat(64), 'not random'],
    ['is large', Buffer.alloc(100_000, 10), 'far too large'],
  ])('is refused where it %s', (_what, content, reason) => {
    write(content)
    expect(() => new KeyFile(path)).toThrow(reason)
    expect(() => new KeyFile(path)).toThrow(KeyFileUnusable)
  })

  it('is refused without a word of what stands in it', () => {
    write('correct horse battery staple')
    for (const word of ['correct', 'horse', 'battery', 'staple']) expect(() => new KeyFile(path)).not.toThrow(word)
  })

  it.each([0o640, 0o604, 0o660, 0o644, 0o620, 0o610, 0o601])('is refused with mode %o', (mode) => {
    write(one.toString('hex'), mode)
    expect(() => new KeyFile(path)).toThrow(`its mode is ${mode.toString(8)}; chmod 600`)
  })

  it.each([0o600, 0o400, 0o700])('is read with mode %o', (mode) => {
    write(one.toString('hex'), mode)
    expect(new KeyFile(path).first.id).toBe(idOf(one))
  })

  it('is refused where it belongs to somebody else, who can read it whatever its mode', () => {
    const owned = (uid: number, mode = 0o100600) => sharedWith({ mode, uid }, 1_000)
    expect(owned(1_001)).toContain('belongs to another user')
    expect([owned(1_000), owned(0)]).toEqual([undefined, undefined])
    expect(sharedWith({ mode: 0o100400, uid: 1_000 }, 0)).toContain('belongs to another user')
    expect(owned(1_000, 0o100640)).toContain('its mode is 640')
  })

  it('is refused where it is missing, a folder or a pipe', () => {
    expect(() => new KeyFile(path)).toThrow('does not exist')
    mkdirSync(path)
    expect(() => new KeyFile(path)).toThrow('is no file')
  })

  it.skipIf(process.platform === 'win32')('is refused where it is a pipe, without waiting for somebody to write', () => {
    execFileSync('mkfifo', ['-m', '600', path])
    expect(() => new KeyFile(path)).toThrow('is no file')
  })
})

describe('a key file that changes', () => {
  let now: number
  const open = (): KeyFile => {
    now = 0
    return new KeyFile(path, () => now)
  }

  it('is read again a second later', () => {
    write(one.toString('hex'))
    const file = open()
    write(`${other.toString('hex')}\n${one.toString('hex')}`)
    expect(file.first.id).toBe(idOf(one))
    now = 1_000
    expect(file.first.id).toBe(idOf(other))
  })

  it('is read at once where a key is not known', () => {
    write(one.toString('hex'))
    const file = open()
    write(`${one.toString('hex')}\n${other.toString('hex')}`)
    expect(file.find(idOf(other))).toBeDefined()
  })

  it('that is spoiled seals nothing, and opens with the keys that it had', () => {
    write(one.toString('hex'))
    const file = open()
    write('spoiled')
    now = 1_000
    expect(file.problem).toContain('malformed')
    expect(() => file.first).toThrow(KeyFileUnusable)
    expect(file.find(idOf(one))).toBeDefined()
    write(one.toString('hex'))
    now = 2_000
    expect(file.problem).toBeUndefined()
    expect(file.first.id).toBe(idOf(one))
  })

  it('that others may read now, or that is gone, seals nothing', () => {
    write(one.toString('hex'))
    const file = open()
    chmodSync(path, 0o644)
    now = 1_000
    expect(file.problem).toContain('644')
    rmSync(path)
    now = 2_000
    expect(file.problem).toBe('does not exist')
    expect(() => file.first).toThrow(KeyFileUnusable)
  })
})
