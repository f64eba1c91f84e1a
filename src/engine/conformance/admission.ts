import { describe, expect, it } from 'vitest'
import { until } from '../../../test/support/api.ts'
import { agents, type EngineUnderTest } from '../../../test/support/engine.ts'
import { calling, hangs, held } from './replies.ts'
import { begin } from './started.ts'
import { cancelAll, freeze, reactivate } from './stops.ts'

/** What is decided in the commit that admits an execution is decided before it is started. */
export function describeAdmission(engine: () => EngineUnderTest): void {
  describe('an execution that is stopped while it is being admitted', () => {
    it('obeys a freeze', async () => {
      await engine().deploy('frozen', agents({ id: 'lead', calls: ['b'] }, { id: 'b' }))
      engine().models.replies = [calling('b'), () => ({ text: 'from b' }), () => ({ text: 'end' })]
      const [{ execution }] = await Promise.all([begin(engine(), 'frozen'), freeze(engine(), 'frozen')])
      await until(async () => (await engine().execution(execution.execution_id)).status !== 'running', 'the rest')
      expect(await engine().execution(execution.execution_id)).toMatchObject({ status: 'waiting', frozen: 1 })
      expect(engine().models.requests).toEqual([])
    })

    it('is cancelled before it calls a model', async () => {
      await engine().deploy('cancelled', agents({ id: 'a' }))
      engine().models.replies = [hangs]
      const [{ outcome }] = await Promise.all([begin(engine(), 'cancelled'), cancelAll(engine(), 'cancelled')])
      expect(await outcome).toEqual({ status: 'cancelled' })
      expect(engine().models.requests).toEqual([])
    })

    it('is cancelled where it would wait for room, and whoever waits for it is told', async () => {
      await engine().crash(1)
      await engine().deploy('taken', agents({ id: 'a' }))
      await engine().deploy('cancelled', agents({ id: 'a' }))
      engine().models.replies = [hangs]
      await begin(engine(), 'taken')
      const [{ execution, outcome }] = await Promise.all([begin(engine(), 'cancelled'), cancelAll(engine(), 'cancelled')])
      expect(execution).toMatchObject({ status: 'queued' })
      await cancelAll(engine(), 'taken')
      expect(await outcome).toEqual({ status: 'cancelled' })
    })

    it('runs once when it is frozen and reactivated at the same time', async () => {
      await engine().deploy('once', agents({ id: 'a' }))
      await engine().deploy('other', agents({ id: 'a' }))
      const first = held(() => ({ text: 'ok' }))
      engine().models.replies = [first.reply, () => ({ text: 'ok' })]
      const [{ execution, outcome }] = await Promise.all([begin(engine(), 'once'), freeze(engine(), 'once'), reactivate(engine(), 'once')])
      await until(async () => engine().models.requests.length === 1, 'the call')
      // What was begun before this one would have called a model by its end.
      await engine().run('other')
      first.go()
      expect(await outcome).toMatchObject({ status: 'completed' })
      const calls = engine().models.requests.filter((request) => request.idempotency_key.startsWith(execution.execution_id))
      expect(calls).toHaveLength(1)
      expect(engine().faults).toEqual([])
    })
  })
}
