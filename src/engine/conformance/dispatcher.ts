import { setImmediate } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import { agents, type EngineUnderTest } from '../../../test/support/engine.ts'
import { until } from '../../../test/support/api.ts'
import { fails, hangs, held } from './replies.ts'
import { begin, ended } from './started.ts'

export function describeDispatcher(engine: () => EngineUnderTest): void {
  describe('the dispatcher', () => {
    it('queues what it has no room for, and starts it in the order of admission', async () => {
      await engine().crash(1)
      await engine().deploy('queue', agents({ id: 'a' }))
      const finish: (() => void)[] = []
      engine().models.replies = [() => new Promise((resolve) => finish.push(() => resolve({ text: 'ok' })))]
      const first = await engine().admit('queue')
      const outcomes = [engine().dispatcher.start(first)]
      const second = await engine().admit('queue')
      outcomes.push(engine().dispatcher.start(second))
      expect(await engine().execution(second.execution_id)).toMatchObject({ status: 'queued', started_at: null })
      await until(async () => finish.length === 1, 'the first call')
      finish[0]!()
      await until(async () => finish.length === 2, 'the second call')
      await until(async () => (await engine().execution(second.execution_id)).status === 'running', 'the second to run')
      finish[1]!()
      expect(await Promise.all(outcomes)).toMatchObject([{ status: 'completed' }, { status: 'completed' }])
    })

    it('gives the place of an execution that was refused to the next', async () => {
      await engine().crash(1)
      await engine().deploy('places', agents({ id: 'a' }))
      const refused = engine().admit('nobody')
      const queued = await engine().admit('places')
      const outcome = engine().dispatcher.start(queued)
      await expect(refused).rejects.toMatchObject({ code: 'deployment_not_found' })
      expect(await outcome).toMatchObject({ status: 'completed' })
    })

    it('takes up the others when it cannot take up one', async () => {
      await engine().deploy('left', agents({ id: 'a' }))
      const broken = await engine().admit('left')
      const whole = await engine().admit('left')
      const { takeUp } = engine().journal
      vi.spyOn(engine().journal, 'takeUp').mockImplementation((id, why, now) => {
        if (id === broken.execution_id) throw new Error('unreadable')
        return takeUp.call(engine().journal, id, why, now)
      })
      await engine().dispatcher.recover()
      await ended(engine(), whole.execution_id)
      expect(engine().faults).toMatchObject([{ message: 'unreadable' }])
    })

    it('takes up nothing once the server stops', async () => {
      await engine().deploy('late', agents({ id: 'a' }))
      await engine().admit('late')
      const append = vi.spyOn(engine().journal, 'append')
      const recovered = engine().dispatcher.recover()
      await engine().dispatcher.drain(0)
      await recovered
      await setImmediate()
      expect(append).not.toHaveBeenCalled()
    })

    it('leaves what does not end in time to a later process, without counting that as a crash', async () => {
      await engine().deploy('drained', agents({ id: 'a' }))
      engine().models.replies = [hangs]
      const { execution, outcome } = await begin(engine(), 'drained')
      await until(async () => engine().models.requests.length === 1, 'the call')
      await engine().dispatcher.drain(50)
      expect(await outcome).toMatchObject({ status: 'left', error: { code: 'shutting_down' } })
      expect(await engine().execution(execution.execution_id)).toMatchObject({ status: 'queued', ended_at: null })
      expect((await engine().steps(execution.execution_id))[0]!.attempts).toMatchObject([{ error: { code: 'shutting_down' } }])
      await engine().crash()
      engine().models.replies = [() => ({ text: 'later' })]
      await engine().dispatcher.recover()
      await ended(engine(), execution.execution_id)
      expect(await engine().execution(execution.execution_id)).toMatchObject({ status: 'completed', response: 'later', recoveries: 0 })
    })

    it('tells whoever waits for an execution that begins to rest while the server stops', async () => {
      await engine().deploy('resting', agents({ id: 'a' }))
      const failing = held(() => fails(60_000))
      engine().models.replies = [failing.reply]
      const { outcome } = await begin(engine(), 'resting')
      await until(async () => engine().models.requests.length === 1, 'the call')
      const drained = engine().dispatcher.drain(2_000)
      failing.go()
      await drained
      expect(await outcome).toMatchObject({ status: 'left', error: { code: 'shutting_down' } })
    })

    it('leaves what was admitted as the server began to stop to a later process, without counting that as a crash', async () => {
      await engine().deploy('late', agents({ id: 'a' }))
      const execution = await engine().admit('late')
      await engine().dispatcher.drain(0)
      expect(await engine().dispatcher.start(execution)).toMatchObject({ status: 'left', error: { code: 'shutting_down' } })
      await until(async () => (await engine().execution(execution.execution_id)).status === 'queued', 'that it is put back')
      await engine().crash()
      await engine().dispatcher.recover()
      await ended(engine(), execution.execution_id)
      expect(await engine().execution(execution.execution_id)).toMatchObject({ status: 'completed', recoveries: 0 })
      const [step] = await engine().steps(execution.execution_id)
      expect(step!.attempts).toEqual([expect.not.objectContaining({ presumed_crash: true })])
    })
  })
}
