import { describe, expect, it } from 'vitest'
import { makeIds } from './clock.ts'

describe('ids', () => {
  it('are UUIDs of version 7 that carry their time', () => {
    const id = makeIds(() => 0x0123456789ab)()
    expect(id).toMatch(/^01234567-89ab-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  })

  it('sort in the order in which they were made, within a millisecond and when the clock is set back', () => {
    let time = 1_000
    const next = makeIds(() => time)
    const ids = Array.from({ length: 10_000 }, (_, index) => {
      if (index === 9_000) time = 500
      return next()
    })
    expect(ids.toSorted()).toEqual(ids)
    expect(new Set(ids).size).toBe(ids.length)
  })
})
