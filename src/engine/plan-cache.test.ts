import { expect, it, vi } from 'vitest'
import type { Journal } from './journal.ts'
import { PlanCache } from './plan-cache.ts'

const definitionOf = (id: string): string => JSON.stringify({ agents: [{ agent_id: id, config: { model: 'demo/echo' } }], connections: [] })

function cache(capacity: number) {
  const definition = vi.fn<Journal['definition']>((digest) => (digest === 'missing' ? undefined : definitionOf(digest)))
  return { plans: new PlanCache({ definition } as unknown as Journal, capacity), definition }
}

it('compiles a definition once', () => {
  const { plans, definition } = cache(1_000)
  expect(plans.get('a')).toBe(plans.get('a'))
  expect(definition).toHaveBeenCalledTimes(1)
})

it('keeps no more than its capacity, and drops the oldest', () => {
  const { plans, definition } = cache(2 * definitionOf('a').length)
  for (const digest of ['a', 'b', 'c', 'b', 'c']) plans.get(digest)
  expect(definition).toHaveBeenCalledTimes(3)
  plans.get('a')
  expect(definition).toHaveBeenCalledTimes(4)
})

it('keeps one that is larger than its capacity, alone', () => {
  const { plans, definition } = cache(10)
  for (const digest of ['a', 'a', 'b', 'b']) plans.get(digest)
  expect(definition).toHaveBeenCalledTimes(2)
})

it('says which definition is missing', () => {
  expect(() => cache(10).plans.get('missing')).toThrow('missing')
})
