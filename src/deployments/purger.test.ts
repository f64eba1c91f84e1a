import { setImmediate as turn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import type { Store } from '../store/store.ts'
import { Purger } from './purger.ts'

it('looks again when it is told of a deletion in the moment in which it finds nothing more', async () => {
  const looks: ((more: boolean) => void)[] = []
  const store = { write: () => new Promise((resolve) => looks.push(resolve)) } as unknown as Store
  const purger = new Purger(store, () => undefined)
  purger.start()
  // One commit answers both: first the purge that found nothing, then the deletion.
  looks[0]!(false)
  await Promise.resolve().then(() => purger.start())
  await turn()
  expect(looks).toHaveLength(2)
  looks[1]!(false)
  await purger.stop()
})
