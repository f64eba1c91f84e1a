import { setImmediate as turn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { systemClock } from '../clock.ts'
import type { Command, Store } from '../store/store.ts'
import { Housekeeper } from './housekeeper.ts'

it('looks again when it is told of a deletion in the moment in which it finds nothing more', async () => {
  const looks: ((more: boolean) => void)[] = []
  const write = ({ name }: Command<never, boolean>): Promise<boolean> =>
    name === 'executions.purgeDeleted' ? new Promise((resolve) => looks.push(resolve)) : Promise.resolve(false)
  const housekeeper = new Housekeeper({
    store: { write } as unknown as Store,
    clock: systemClock,
    giveBack: () => Promise.resolve(false),
    onFault: () => undefined,
  })
  housekeeper.purge()
  await turn()
  // One commit answers both: first the purge that found nothing, then the deletion.
  looks[0]!(false)
  await Promise.resolve().then(() => housekeeper.purge())
  await turn()
  expect(looks).toHaveLength(2)
  looks[1]!(false)
  await housekeeper.stop()
})

it('removes what is kept no longer: each command again until there is no more', async () => {
  const now = Date.parse('2026-06-30T12:00:00Z')
  const written: [string, unknown][] = []
  const answers: Record<string, unknown[]> = {
    'executions.purgeExpired': ['id-1', 'id-2', undefined],
    'executions.purgeDeleted': [true, false],
    'idempotency.purge': [true, false],
  }
  const write = ({ name }: Command<unknown, unknown>, args: unknown): Promise<unknown> => {
    written.push([name, args])
    return Promise.resolve(answers[name]!.shift())
  }
  let gaveBack = (): void => undefined
  const done = new Promise<void>((resolve) => (gaveBack = resolve))
  const housekeeper = new Housekeeper({
    store: { write } as unknown as Store,
    clock: { ...systemClock, now: () => now },
    retentionMs: 86_400_000,
    giveBack: () => {
      gaveBack()
      return Promise.resolve(false)
    },
    onFault: (error) => {
      throw error
    },
  })
  housekeeper.start()
  await done
  const ended_before = now - 86_400_000
  expect(written).toEqual([
    ['executions.purgeExpired', { ended_before, after: '', now }],
    ['executions.purgeExpired', { ended_before, after: 'id-1', now }],
    ['executions.purgeExpired', { ended_before, after: 'id-2', now }],
    ['executions.purgeDeleted', undefined],
    ['executions.purgeDeleted', undefined],
    ['idempotency.purge', { now, limit: 100 }],
    ['idempotency.purge', { now, limit: 100 }],
  ])
  await housekeeper.stop()
})

it('tells of a fault, and tries again when it is next told to', async () => {
  const faults: unknown[] = []
  let looks = 0
  const housekeeper = new Housekeeper({
    store: { write: () => (++looks === 1 ? Promise.reject(new Error('full')) : Promise.resolve(false)) } as unknown as Store,
    clock: systemClock,
    giveBack: () => Promise.resolve(false),
    onFault: (error) => faults.push(error),
  })
  housekeeper.purge()
  await turn()
  expect([looks, faults]).toEqual([1, [new Error('full')]])
  housekeeper.purge()
  await turn()
  expect(looks).toBeGreaterThan(1)
  await housekeeper.stop()
})
