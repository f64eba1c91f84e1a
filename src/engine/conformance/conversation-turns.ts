import { describe, expect, it, vi } from 'vitest'
import type { EngineUnderTest } from '../../../test/support/engine.ts'
import { until } from '../../../test/support/api.ts'
import { resumeExecution } from '../../executions/in-flight-repository.ts'
import { deleteExecution } from '../../executions/removal-repository.ts'
import { MOST_IN_CONVERSATION } from '../conversation.ts'
import { ended, rested } from './started.ts'
import { cancelAll, freeze, reactivate } from './stops.ts'
import { named, talkTo } from './talk.ts'

export function describeConversationTurns(engine: () => EngineUnderTest): void {
  const { callsHeld, echoes, say, sayAll, converse, came, statusOf, deploy, lastBefore, textOf, cancel } = talkTo(engine)

  describe('whose turn it is in a conversation', () => {
    it('leaves out what failed or was cancelled, and goes on after it', async () => {
      const calls = callsHeld()
      await deploy({ max_retries: 0 })
      const [failing, running, queued, last] = await sayAll('failing', 'cancelled', 'cancelled early', 'last')
      await came(calls, 1)
      calls[0]!.fail()
      expect(await failing!.outcome).toMatchObject({ status: 'failed' })
      await came(calls, 2)
      await cancel(queued!)
      expect(await queued!.outcome).toEqual({ status: 'cancelled' })
      expect(await statusOf(last!)).toBe('queued')
      await cancel(running!)
      await came(calls, 3)
      expect([calls[2]!.query, calls[2]!.before]).toEqual(['last', []])
      calls[2]!.answer()
      expect(await last!.outcome).toMatchObject({ status: 'completed' })
    })

    it('waits for an execution that rests, whose answer those after it see', async () => {
      const steps = [
        { step_id: 'word', step_type: 'signal', config: { name: 'go' } },
        { step_id: 'a', step_type: 'agent', config: { model: 'fake/model' } },
      ]
      await engine().deploy('chat', { steps, connections: [{ source_step_id: 'word', target_step_id: 'a', connection_type: 'default' }] })
      echoes()
      const [first, second] = await sayAll('first', 'second')
      await rested(engine(), first!.execution.execution_id)
      await engine().crash()
      await engine().dispatcher.recover()
      expect(await Promise.all([first!, second!].map(statusOf))).toEqual(['waiting', 'queued'])
      await cancel(first!)
      await rested(engine(), second!.execution.execution_id)
    })

    it('is frozen and goes on in its order', async () => {
      const calls = callsHeld()
      await deploy()
      const said = await sayAll('1', '2', '3')
      await came(calls, 1)
      await freeze(engine(), 'chat')
      calls[0]!.answer()
      expect(await said[0]!.outcome).toMatchObject({ status: 'completed' })
      expect(await Promise.all(said.slice(1).map(statusOf))).toEqual(['waiting', 'waiting'])
      await reactivate(engine(), 'chat')
      for (const turn of [2, 3]) {
        await came(calls, turn)
        calls[turn - 1]!.answer()
      }
      await Promise.all(said.map(({ outcome }) => outcome))
      expect(calls[2]!.before).toEqual(['1', '1', '2', '2'])
    })

    it('is cancelled as a whole with its deployment', async () => {
      const calls = callsHeld()
      await deploy()
      const said = await sayAll('1', '2', '3')
      await came(calls, 1)
      await cancelAll(engine(), 'chat')
      expect(await Promise.all(said.map(({ outcome }) => outcome))).toEqual(said.map(() => ({ status: 'cancelled' })))
      await reactivate(engine(), 'chat')
      echoes()
      await converse('4')
      expect(lastBefore()).toEqual([])
    })

    it('stays as an execution began with it, whatever is removed before its next slice', async () => {
      await deploy()
      echoes()
      await converse('one')
      const { outcome: _, execution } = await say('two')
      await ended(engine(), execution.execution_id)
      callsHeld()
      const third = await say('three')
      await until(async () => (await engine().steps(third.execution.execution_id)).length === 1, 'its step')
      const rows = await engine().store.read.selectFrom('executions').select('execution_id').where('ended_at', 'is not', null).execute()
      for (const { execution_id } of rows) await engine().store.write(deleteExecution, { execution_id, now: engine().clock.now() })
      await engine().crash()
      const calls = callsHeld()
      await engine().dispatcher.recover()
      await came(calls, 1)
      expect(calls[0]!.before).toEqual(['one', 'ONE', 'two', 'TWO'])
      calls[0]!.answer()
      await ended(engine(), third.execution.execution_id)
      echoes()
      await converse('four')
      expect(lastBefore()).toEqual(['three', 'THREE'])
    })

    it('has a resumed execution wait for its turn, with what it saw before', async () => {
      const calls = callsHeld()
      await deploy({ max_retries: 0 })
      await sayAll('1', 'fails', '3', '4')
      await came(calls, 1)
      calls[0]!.answer()
      await came(calls, 2)
      const { execution_id } = (await engine()
        .store.read.selectFrom('executions')
        .select('execution_id')
        .where('status', '=', 'running')
        .executeTakeFirstOrThrow())!
      calls[1]!.fail()
      await came(calls, 3)
      await engine().store.write(resumeExecution, { execution_id, now: engine().clock.now() })
      engine().dispatcher.heed([execution_id])
      expect((await engine().execution(execution_id)).status).toBe('queued')
      calls[2]!.answer()
      await came(calls, 4)
      expect([calls[3]!.query, calls[3]!.before]).toEqual(['fails', ['1', '1']])
      calls[3]!.answer()
      await came(calls, 5)
      expect(calls[4]!.before).toEqual(['1', '1', 'fails', 'FAILS', '3', '3'])
      calls[4]!.answer()
    })

    it('leaves nobody waiting when an older execution is written only after a younger one was called', async () => {
      const calls = callsHeld()
      await deploy()
      const first = await say('1')
      const older = engine().clock.id()
      const third = await say('3')
      const { journal } = engine()
      const takeUp = journal.takeUp.bind(journal)
      let second: ReturnType<typeof say> | undefined
      vi.spyOn(journal, 'takeUp').mockImplementation(async (...taken) => {
        await (second ??= say('2', { execution_id: older }))
        return takeUp(...taken)
      })
      await came(calls, 1)
      calls[0]!.answer()
      await first.outcome
      await came(calls, 2)
      calls[1]!.answer()
      await came(calls, 3)
      calls[2]!.answer()
      await Promise.all([(await second!).outcome, third.outcome])
      expect(calls.map(({ query }) => query)).toEqual(['1', '2', '3'])
    })

    it('takes no place in the queue of its deployment', async () => {
      const calls = callsHeld()
      await deploy({ concurrency: { limit: 2, queue: 0 } })
      await sayAll('1', '2', '3')
      await say('another', { session_id: 'another' })
      await came(calls, 2)
      await expect(say('one more', { session_id: 'more' })).rejects.toMatchObject({ code: 'deployment_busy' })
    })

    it('refuses what finds too many waiting, and writes nothing of it', async () => {
      callsHeld()
      await deploy()
      for (let index = 0; index <= MOST_IN_CONVERSATION; index++) await engine().admit('chat', named)
      const refused = { code: 'conversation_busy', retryAfter: 1, reached: { policy: 'conversation', quota: MOST_IN_CONVERSATION } }
      await expect(engine().admit('chat', named)).rejects.toMatchObject(refused)
      const { count } = await engine()
        .store.read.selectFrom('executions')
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .executeTakeFirstOrThrow()
      expect(count).toBe(MOST_IN_CONVERSATION + 1)
      expect(await engine().admit('chat', { session_id: 'another' })).toMatchObject({ status: 'running' })
    })

    it('stays one whatever is said and cancelled at once', async () => {
      await deploy()
      let running = 0
      let most = 0
      const asked: string[] = []
      const slow = async (query: string): Promise<{ text: string }> => {
        most = Math.max(most, ++running)
        asked.push(query)
        await new Promise((resolve) => setImmediate(resolve))
        running--
        return { text: query.toUpperCase() }
      }
      engine().models.replies = [({ messages }) => slow(textOf(messages.at(-1)))]
      const said = await Promise.all(Array.from({ length: 40 }, (_, index) => say(`q${index}`)))
      await Promise.all(said.filter((_, index) => index % 7 === 3).map((one) => cancel(one).catch(() => undefined)))
      await Promise.all(said.map(({ outcome }) => outcome))
      expect(most).toBe(1)
      const rows = await engine().store.read.selectFrom('executions').selectAll().orderBy('execution_id').execute()
      const turns: string[] = []
      for (const row of rows) {
        if (row.status !== 'completed') continue
        const remembered = (JSON.parse(row.remembered!) as { content: string }[]).map(({ content }) => content)
        expect(remembered).toEqual(turns.slice(-40))
        turns.push((JSON.parse(row.request) as { query: string }).query, row.response!)
      }
      expect(new Set(asked).size).toBe(asked.length)
    })
  })
}
