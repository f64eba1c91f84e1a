import { describe, expect, it, vi } from 'vitest'
import { until } from '../../../test/support/api.ts'
import { agents, type EngineUnderTest } from '../../../test/support/engine.ts'
import { fails, hangs, held } from './replies.ts'
import { begin, ended, rested, startTeam } from './started.ts'
import { decideThaw, freeze, reactivate } from './stops.ts'

/** Freezes and reactivations of several clients, at once or in the middle of what the engine does. */
export function describeFreezeAndThaw(engine: () => EngineUnderTest): void {
  describe('a freeze and a reactivation that meet', () => {
    it('leave the execution as the later of them says, whichever the engine is told first', async () => {
      const { id, finish } = await startTeam(engine(), 'disordered')
      await freeze(engine(), 'disordered')
      const { thawed } = await decideThaw(engine(), 'disordered')
      await freeze(engine(), 'disordered')
      engine().dispatcher.heed(thawed)
      finish()
      await until(async () => (await engine().execution(id)).status !== 'running', 'the rest')
      expect(await engine().execution(id)).toMatchObject({ status: 'waiting', frozen: 1 })
      expect(engine().models.requests).toHaveLength(1)
    })

    it('wake the execution that is frozen and thawed once more while it is being taken up', async () => {
      const { id, outcome, finish } = await startTeam(engine(), 'dozing')
      await freeze(engine(), 'dozing')
      finish()
      await rested(engine(), id)
      const { thawed } = await decideThaw(engine(), 'dozing')
      const frozen = freeze(engine(), 'dozing')
      engine().dispatcher.heed(thawed)
      await Promise.all([frozen, reactivate(engine(), 'dozing')])
      expect(await outcome).toMatchObject({ status: 'completed', response: 'end' })
    })

    it('let it rest for the second freeze when the first ends while the rest is being written', async () => {
      const { id, finish } = await startTeam(engine(), 'twice')
      await freeze(engine(), 'twice')
      const rest = engine().journal.rest.bind(engine().journal)
      const decided = Promise.withResolvers<unknown>()
      // All three in this order in one commit.
      vi.spyOn(engine().journal, 'rest').mockImplementationOnce((...args) => {
        const thawed = reactivate(engine(), 'twice')
        const state = rest(...args)
        decided.resolve(Promise.all([thawed, freeze(engine(), 'twice')]))
        return state
      })
      finish()
      await decided.promise
      await until(async () => (await engine().execution(id)).status !== 'running', 'the rest')
      expect(await engine().execution(id)).toMatchObject({ status: 'waiting', frozen: 1 })
      expect(engine().models.requests).toHaveLength(1)
    })

    it('lose nothing when a later process takes up the execution at the same time', async () => {
      await engine().deploy('recovered', agents({ id: 'a' }))
      engine().models.replies = [hangs]
      const { execution } = await begin(engine(), 'recovered')
      await until(async () => (await engine().steps(execution.execution_id)).length === 1, 'the step')
      await freeze(engine(), 'recovered')
      await engine().crash()
      engine().models.replies = [() => ({ text: 'ok' })]
      await Promise.all([engine().dispatcher.recover(), reactivate(engine(), 'recovered')])
      await ended(engine(), execution.execution_id)
      expect(await engine().execution(execution.execution_id)).toMatchObject({ status: 'completed' })
    })

    it('do not count the wait for a retry twice towards the timeout', async () => {
      await engine().deploy('before', agents({ id: 'a' }), { timeout: 2 })
      const failing = held(() => fails(1_200))
      engine().models.replies = [failing.reply, () => ({ text: 'ok' })]
      const { outcome } = await begin(engine(), 'before')
      await until(async () => engine().models.requests.length === 1, 'the call')
      await freeze(engine(), 'before')
      await reactivate(engine(), 'before')
      failing.go()
      expect(await outcome).toMatchObject({ status: 'completed' })
    })

    it('do not count it twice either when they come in the middle of it', async () => {
      await engine().deploy('within', agents({ id: 'a' }), { timeout: 2 })
      engine().models.replies = [() => fails(1_200), () => ({ text: 'ok' })]
      const { execution, outcome } = await begin(engine(), 'within')
      await rested(engine(), execution.execution_id)
      await freeze(engine(), 'within')
      await reactivate(engine(), 'within')
      expect(await outcome).toMatchObject({ status: 'completed' })
    })
  })
}
