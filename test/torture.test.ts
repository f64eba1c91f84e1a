import { expect, it } from 'vitest'
import { tortureByKilling } from './torture/kill.ts'

// The short set; `npm run torture -- kill` has the long one.
it('killed again and again under load, the server loses no answer and repeats no recorded step', { timeout: 120_000 }, async () => {
  const result = await tortureByKilling({ seed: 1, kills: 6, clients: 8 })
  expect(result).toMatchObject({ lost: 0, repeated: 0, excessive: 0, unfinished: 0 })
  // It was tortured indeed.
  expect(result.answered).toBeGreaterThan(20)
  expect(result.interrupted).toBeGreaterThan(0)
})
