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
