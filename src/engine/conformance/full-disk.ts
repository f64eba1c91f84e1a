import { setImmediate, setTimeout } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import { agents, type EngineUnderTest } from '../../../test/support/engine.ts'
import { until } from '../../../test/support/api.ts'
import { StorageFull } from '../../errors.ts'
import { cancelExecution } from '../../executions/in-flight-repository.ts'
import { calling, hangs, held, refuses } from './replies.ts'
import { begin, ended } from './started.ts'

export function describeFullDisk(engine: () => EngineUnderTest): void {
  describe('on a full disk', () => {
    /** Everything that is written fails until it is over. */
    function fill() {
      const write = vi.spyOn(engine().store, 'write').mockImplementation(() => Promise.reject(new StorageFull({})))
      return () => write.mockRestore()
    }

    it('an execution keeps the result that it has, and goes on when there is room', async () => {
      const id = await engine().deploy('full', agents({ id: 'lead', calls: ['b'] }, { id: 'b' }))
      let empty: () => void = () => undefined
      engine().models.replies = [
        () => {
          empty = fill()
          return { calls: [{ id: 'c', name: 'b', arguments: '{"query":"go"}' }] }
        },
        () => ({ text: 'from b' }),
        () => ({ text: 'end' }),
      ]
      const { execution, outcome } = await engine().run('full')
      // Who waits is not left waiting.
      expect(outcome).toMatchObject({ status: 'left', error: { code: 'storage_full' } })
      await expect(engine().admit('full')).rejects.toMatchObject({ code: 'storage_full' })
      expect(engine().journal.isFull).toBe(true)
      empty()
      // There is room, but first for what was accepted.
      await expect(engine().admit('full')).rejects.toMatchObject({ code: 'storage_full' })
      await ended(engine(), execution.execution_id)
      expect(await engine().execution(execution.execution_id)).toMatchObject({ status: 'completed', response: 'end', recoveries: 0 })
      expect(engine().models.requests).toHaveLength(3)
      expect(await engine().deployment(id)).toMatchObject({ execution_count: 1 })
      expect(await engine().admit('full')).toMatchObject({ status: 'running' })
      expect(engine().journal.isFull).toBe(false)
      expect(engine().faults).toEqual([])
    })

    it('the time that an execution waits for room does not count towards its timeout', async () => {
      await engine().deploy('patient', agents({ id: 'a' }), { timeout: 1 })
      let empty: () => void = () => undefined
      engine().models.replies = [
        () => {
          empty = fill()
          return { text: 'kept' }
        },
      ]
      const { execution } = await engine().run('patient')
      await setTimeout(1_200)
      empty()
      await ended(engine(), execution.execution_id)
      expect(await engine().execution(execution.execution_id)).toMatchObject({ status: 'completed', response: 'kept' })
    })

    it('the server can stop, and a later process goes on', async () => {
      await engine().deploy('stopped', agents({ id: 'a' }))
      let empty: () => void = () => undefined
      engine().models.replies = [
        () => {
          empty = fill()
          return { text: 'lost' }
        },
      ]
      const { execution } = await engine().run('stopped')
      await engine().dispatcher.drain(0)
      empty()
      await engine().crash()
      engine().models.replies = [() => ({ text: 'again' })]
      await engine().dispatcher.recover()
      await ended(engine(), execution.execution_id)
      expect(await engine().execution(execution.execution_id)).toMatchObject({ status: 'completed', response: 'again' })
      expect(engine().faults).toEqual([])
    })

    it('what cannot be taken up is taken up later', async () => {
      await engine().deploy('later', agents({ id: 'a' }))
      const execution = await engine().admit('later')
      await engine().crash()
      const empty = fill()
      await engine().dispatcher.recover()
      empty()
      await ended(engine(), execution.execution_id)
      expect(engine().faults).toEqual([])
    })

    it('whoever waits for an execution that is queued behind one without room is told', async () => {
      await engine().crash(1)
      await engine().deploy('behind', agents({ id: 'a' }))
      const first = held(() => ({ text: 'one' }))
      engine().models.replies = [first.reply, () => ({ text: 'two' })]
      const executions = [await begin(engine(), 'behind'), await begin(engine(), 'behind')]
      await until(async () => engine().models.requests.length === 1, 'the call')
      const empty = fill()
      first.go()
      const full = { status: 'left', error: { code: 'storage_full' } }
      expect(await Promise.all(executions.map(({ outcome }) => outcome))).toMatchObject([full, full])
      empty()
    })

    describe('that shows when a failure is being written', () => {
      /** Two agents side by side, one of which has failed. Its write is refused when the test says so. */
      async function failTeam(name: string) {
        await engine().deploy(name, agents({ id: 'lead', calls: ['b', 'c'] }, { id: 'b' }, { id: 'c' }))
        const failing = held(refuses)
        engine().models.replies = [calling('b', 'c'), hangs, failing.reply]
        const { execution } = await begin(engine(), name)
        await until(async () => (await engine().steps(execution.execution_id)).length === 5, 'the steps')
        const { store } = engine()
        const original = store.write.bind(store)
        const cancel = () => original(cancelExecution, { execution_id: execution.execution_id, now: 1 })
        const disk = Promise.withResolvers<never>()
        const write = vi.spyOn(store, 'write').mockImplementation(() => disk.promise)
        failing.go()
        await until(async () => write.mock.calls.length > 0, 'the write')
        return { id: execution.execution_id, cancel, refuse: () => disk.reject(new StorageFull({})), empty: () => write.mockRestore() }
      }

      it('the server can stop', async () => {
        const { refuse, empty } = await failTeam('stopped')
        const drained = engine().dispatcher.drain(0)
        // By then its grace is over.
        await setTimeout(20)
        refuse()
        await drained
        empty()
      })

      it('the execution can be cancelled', async () => {
        const { id, cancel, refuse, empty } = await failTeam('cancelled')
        const cancelled = engine().dispatcher.cancel([await cancel()])
        await setImmediate()
        refuse()
        await cancelled
        empty()
        expect(await engine().execution(id)).toMatchObject({ status: 'cancelled' })
      })
    })
  })
}
