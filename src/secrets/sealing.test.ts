import { createHash, randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { SealingKey } from './sealing.ts'

const key = new SealingKey(randomBytes(32))
const here = { environment: 'production', name: 'TOKEN' }

describe('a sealed value', () => {
  it.each(['s3cr3t-value', '', 'ü 😀 \0 \u{10ffff}', 'x'.repeat(32_768), '\x80'.repeat(63), 'a\0\0'])(
    'opens to what it was: %#',
    (value) => {
      expect(key.open(key.seal(value, here), here)).toBe(value)
    },
  )

  it.each([
    { environment: 'development', name: 'TOKEN' },
    { environment: 'production', name: 'TOKEN2' },
    { environment: 'productionT', name: 'OKEN' },
    { environment: 'production","TOKEN', name: '' },
  ])('does not open as $name in $environment', (elsewhere) => {
    expect(key.open(key.seal('s3cr3t-value', here), elsewhere)).toBeUndefined()
  })

  it('does not open with another key', () => {
    expect(new SealingKey(randomBytes(32)).open(key.seal('s3cr3t-value', here), here)).toBeUndefined()
  })

  it('does not open when any of its bits was flipped', () => {
    const sealed = key.seal('s3cr3t-value', here)
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const changed = Uint8Array.from(sealed)
      changed[bit >> 3]! ^= 1 << (bit & 7)
      expect(key.open(changed, here)).toBeUndefined()
    }
  })

  it('does not open when it was cut anywhere, or made longer', () => {
    const sealed = key.seal('s3cr3t-value', here)
    for (let length = 0; length < sealed.length; length++) expect(key.open(sealed.subarray(0, length), here)).toBeUndefined()
    expect(key.open(Buffer.concat([sealed, Buffer.alloc(1)]), here)).toBeUndefined()
  })

  it('is another one each time, although nothing else is', () => {
    const all = Array.from({ length: 1_000 }, () => Buffer.from(key.seal('same', here)).subarray(0, 12).toString('hex'))
    expect(new Set(all).size).toBe(1_000)
  })

  it('does not show how long a short value is', () => {
    const lengths = ['', 'a', 'x'.repeat(40), 'x'.repeat(63)].map((value) => key.seal(value, here).length)
    expect(new Set(lengths).size).toBe(1)
  })
})

describe('the id of a key', () => {
  it('is the same for the same key, and no part or plain hash of it', () => {
    const bytes = randomBytes(32)
    const { id } = new SealingKey(bytes)
    expect(new SealingKey(Buffer.from(bytes)).id).toBe(id)
    expect(id).toMatch(/^[0-9a-f]{16}$/)
    expect(bytes.toString('hex')).not.toContain(id)
    expect(createHash('sha256').update(bytes).digest('hex')).not.toContain(id)
  })
})
