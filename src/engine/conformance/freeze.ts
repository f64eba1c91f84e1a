import { setImmediate, setTimeout } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { until } from '../../../test/support/api.ts'
import { agents, type EngineUnderTest } from '../../../test/support/engine.ts'
import { cancelExecution } from '../../executions/in-flight-repository.ts'
import { hangs, held } from './replies.ts'
import { begin, ended, rested, startTeam } from './started.ts'
import { cancelAll, decideThaw, freeze, reactivate } from './stops.ts'

export function describeFreeze(engine: () => EngineUnderTest): void {
  describe('a frozen execution', () => {
    it('ends the step that runs, rests before the next, and goes on when it is woken', async () => {
      const { id, outcome, finish } = await startTeam(engine(), 'frozen', { timeout: 2 })
      await freeze(engine(), 'frozen')
      expect(await engine().execution(id)).toMatchObject({ status: 'running' })
      finish()
      await rested(engine(), id)
      expect(engine().models.requests).toHaveLength(1)
      // Longer than its timeout: a rest does not count.
      await setTimeout(2_100)
      await reactivate(engine(), 'frozen')
      expect(await outcome).toMatchObject({ status: 'completed', response: 'end' })
      expect(engine().models.requests).toHaveLength(3)
      expect(await engine().execution(id)).toMatchObject({ recoveries: 0, frozen: 0 })
    })

    it('rests over any number of restarts', async () => {
      const { id, finish } = await startTeam(engine(), 'restarted')
      await freeze(engine(), 'restarted')
      finish()
      await rested(engine(), id)
      for (let restart = 0; restart < 5; restart++) {
        await engine().crash()
        await engine().dispatcher.recover()
      }
      expect(await engine().execution(id)).toMatchObject({ status: 'waiting', recoveries: 0 })
      expect(engine().models.requests).toHaveLength(1)
      await reactivate(engine(), 'restarted')
      await ended(engine(), id)
      expect(await engine().execution(id)).toMatchObject({ status: 'completed', response: 'end' })
    })

    it('rests after a crash that came before it could', async () => {
      const { id } = await startTeam(engine(), 'crashed')
      await freeze(engine(), 'crashed')
      await engine().crash()
      await engine().dispatcher.recover()
      await rested(engine(), id)
      expect(engine().models.requests).toHaveLength(1)
      engine().models.replies = [() => ({ text: 'after all' })]
      await engine().crash()
      await reactivate(engine(), 'crashed')
      await ended(engine(), id)
      expect(await engine().execution(id)).toMatchObject({ status: 'completed', response: 'after all', recoveries: 1 })
    })

    it('goes on if the process dies between the end of the freeze and the waking', async () => {
      const { id, finish } = await startTeam(engine(), 'dozing')
      await freeze(engine(), 'dozing')
      finish()
      await rested(engine(), id)
      await decideThaw(engine(), 'dozing')
      await engine().crash()
      await engine().dispatcher.recover()
      await ended(engine(), id)
      expect(await engine().execution(id)).toMatchObject({ status: 'completed', response: 'end' })
    })

    it('does not rest when it is thawed while its step still runs', async () => {
      const { id, outcome, finish } = await startTeam(engine(), 'quick')
      await freeze(engine(), 'quick')
      await reactivate(engine(), 'quick')
      finish()
      expect(await outcome).toMatchObject({ status: 'completed' })
      expect(engine().models.requests).toHaveLength(3)
      expect((await engine().execution(id)).active_ms).toBe(0)
    })

    it('is never lost, however freeze and thaw follow each other', async () => {
      const { outcome, finish } = await startTeam(engine(), 'wavering')
      finish()
      for (let round = 0; round < 40; round++) {
        await freeze(engine(), 'wavering')
        if (round % 3 === 0) await setTimeout(round % 7)
        await reactivate(engine(), 'wavering')
        if (round % 2 === 0) await setImmediate()
      }
      expect(await outcome).toMatchObject({ status: 'completed', response: 'end' })
      expect(engine().models.requests).toHaveLength(3)
      expect(engine().faults).toEqual([])
    })

    it('can be cancelled, which whoever waits for it is told', async () => {
      const { id, outcome, finish } = await startTeam(engine(), 'cancelled')
      await freeze(engine(), 'cancelled')
      finish()
      await rested(engine(), id)
      await cancelAll(engine(), 'cancelled')
      expect(await outcome).toEqual({ status: 'cancelled' })
      expect(await reactivate(engine(), 'cancelled')).toEqual([])
      expect(await engine().execution(id)).toMatchObject({ status: 'cancelled', frozen: 0, wake_at: null })
    })

    it('that waits for room rests at once', async () => {
      const { outcome, finish } = await startTeam(engine(), 'queued')
      finish()
      await outcome
      await engine().crash(1)
      engine().models.replies = [hangs, () => ({ text: 'end' })]
      void engine().dispatcher.start(await engine().admit('queued'))
      const execution = await engine().admit('queued')
      const second = engine().dispatcher.start(execution)
      await freeze(engine(), 'queued')
      expect(await engine().execution(execution.execution_id)).toMatchObject({ status: 'waiting', started_at: null })
      await engine().dispatcher.cancel([await engine().store.write(cancelExecution, { execution_id: execution.execution_id, now: 1 })])
      expect(await second).toEqual({ status: 'cancelled' })
    })

    it('that a later process has no room for rests when its turn comes, and its crash counts', async () => {
      await engine().deploy('taken', agents({ id: 'a' }))
      await engine().deploy('turn', agents({ id: 'a' }))
      engine().models.replies = [hangs]
      const before = [await begin(engine(), 'taken'), await begin(engine(), 'turn')].map(({ execution }) => execution.execution_id)
      for (const id of before) await until(async () => (await engine().steps(id)).length === 1, 'the step')
      await engine().crash(1)
      const running = held(() => ({ text: 'ok' }))
      engine().models.replies = [running.reply]
      await engine().dispatcher.recover()
      await freeze(engine(), 'turn')
      running.go()
      await rested(engine(), before[1]!)
      expect(await engine().execution(before[1]!)).toMatchObject({ status: 'waiting', recoveries: 1 })
      expect(engine().models.requests).toHaveLength(3)
    })
  })
}
