import { createSecretKey } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { containsKey, hashKey, keyIdOf, makeKey } from './key-text.ts'

describe('a key', () => {
  it('begins with its public part, and is letters and digits otherwise', () => {
    const { key, key_id } = makeKey()
    expect(key).toMatch(/^as_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}$/)
    expect(key.startsWith(`${key_id}_`)).toBe(true)
    expect(keyIdOf(key)).toBe(key_id)
  })

  it('is another one each time, of which every character occurs', () => {
    const keys = Array.from({ length: 500 }, () => makeKey().key)
    expect(new Set(keys).size).toBe(500)
    expect(new Set(keys.map((key) => key.slice(16, 59)).join('')).size).toBe(62)
  })

  it('with a typing error is none', () => {
    const { key } = makeKey()
    for (let at = 3; at < key.length; at++) {
      const other = key[at] === '_' ? '-' : key[at] === 'a' ? 'b' : 'a'
      expect(keyIdOf(key.slice(0, at) + other + key.slice(at + 1))).toBeUndefined()
    }
    for (const odd of ['', 'as_', key.slice(1), `${key}a`, key.toUpperCase(), `${key}\n`]) expect(keyIdOf(odd)).toBeUndefined()
  })

  it('is found within a text, also with a typing error', () => {
    const { key, key_id } = makeKey()
    for (const text of [key, `/api/keys/${key}`, `?x=${key}&y`, `${key.slice(0, -1)}0`]) expect(containsKey(text)).toBe(true)
    for (const text of ['', key_id, `/api/keys/${key_id}`, 'has_orders', key.slice(0, -1)]) expect(containsKey(text)).toBe(false)
  })

  it('has a hash that depends on every part of it and on the pepper', () => {
    const pepper = createSecretKey(Buffer.alloc(32, 1))
    const { key } = makeKey()
    const hashes = [
      hashKey(key, pepper),
      hashKey(key.slice(0, -1), pepper),
      hashKey(`b${key.slice(1)}`, pepper),
      hashKey(key, createSecretKey(Buffer.alloc(32, 2))),
    ]
    expect(new Set(hashes.map((hash) => hash.toString('hex'))).size).toBe(4)
    expect(hashKey(key, pepper)).toEqual(hashes[0])
  })
})
