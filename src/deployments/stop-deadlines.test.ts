import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { until } from '../../test/support/api.ts'
import { agents, TestEngine } from '../../test/support/engine.ts'
import type { Store } from '../store/store.ts'
import { StopDeadlines } from './stop-deadlines.ts'
import { findStop, keepDeadline, nextDeadline, stopDeployment } from './stop-repository.ts'

let engine: TestEngine
let deadlines: StopDeadlines
beforeEach(async () => {
  engine = await TestEngine.start()
})
afterEach(async () => {
  await deadlines.stop()
  await engine.close()
})

const open = (store: Store = engine.store): StopDeadlines => {
  const { dispatcher, clock } = engine
  deadlines = new StopDeadlines({ store, dispatcher, clock, onFault: (error) => void engine.faults.push(error) })
  return deadlines
}

/** An execution that goes on, and a stop of its deployment. @param in_s seconds from now on */
async function stopped(name: string, in_s: number) {
  const deployment_id = await engine.deploy(name, agents({ id: 'a' }))
  engine.models.replies = [() => new Promise(() => undefined)]
  const execution = await engine.admit(name)
  void engine.dispatcher.start(execution)
  const now = Date.now() - 3_600_000
  await engine.store.write(stopDeployment, { name, environments: ['production'], mode: 'drain', deadline: 3_600 + in_s, now })
  return { deployment_id, execution_id: execution.execution_id }
}

const statusOf = async (id: string) => (await engine.execution(id)).status

it('deadlines that came while no process ran are kept at the start, and the others later', async () => {
  const [late, soon, far] = [await stopped('late', -60), await stopped('soon', 1), await stopped('far', 40 * 86_400)]
  open().start()
  await until(async () => (await statusOf(late.execution_id)) === 'cancelled', 'the one that is over')
  await until(async () => (await statusOf(soon.execution_id)) === 'cancelled', 'the one that comes')
  // Further away than a timer can be set: one that was would ring at once.
  expect(await statusOf(far.execution_id)).toBe('running')
  expect(await nextDeadline(engine.store.read)).toBe((await findStop(engine.store.read, far.deployment_id))!.deadline_at)
  expect(engine.faults).toEqual([])
})

it('a deadline that cannot be written is tried again', async () => {
  const { execution_id } = await stopped('late', -1)
  const write = vi.fn<Store['write']>(engine.store.write.bind(engine.store) as Store['write'])
  write.mockRejectedValueOnce(new Error('no room'))
  open({ read: engine.store.read, write } as Store).start()
  await until(async () => (await statusOf(execution_id)) === 'cancelled', 'the second try')
  expect(engine.faults).toMatchObject([{ message: 'no room' }])
})

it('a deadline is kept once', async () => {
  open()
  const { deployment_id } = await stopped('late', -1)
  expect(await engine.store.write(keepDeadline, Date.now())).toHaveLength(1)
  expect(await engine.store.write(keepDeadline, Date.now())).toBeUndefined()
  expect(await findStop(engine.store.read, deployment_id)).toMatchObject({ cancelled: 1, mode: 'drain' })
})
