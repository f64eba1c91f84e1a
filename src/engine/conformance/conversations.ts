import { describe, expect, it } from 'vitest'
import { agents, type EngineUnderTest } from '../../../test/support/engine.ts'
import type { AdmissionRequest } from '../dispatcher.ts'
import { ended } from './started.ts'
import { talkTo } from './talk.ts'

export function describeConversations(engine: () => EngineUnderTest): void {
  const { callsHeld, echoes, say, sayAll, converse, came, statusOf, deploy, lastBefore } = talkTo(engine)

  describe('a conversation', () => {
    it('has each execution see those before it that completed, and record them', async () => {
      await deploy()
      echoes()
      await converse('one', 'two')
      const third = await say('three')
      await third.outcome
      expect(lastBefore()).toEqual(['one', 'ONE', 'two', 'TWO'])
      expect(third.execution.request.chat_history).toEqual([
        { role: 'user', content: 'one' },
        { role: 'assistant', content: 'ONE' },
        { role: 'user', content: 'two' },
        { role: 'assistant', content: 'TWO' },
      ])
      const row = await engine().execution(third.execution.execution_id)
      expect(JSON.parse(row.remembered!)).toEqual(third.execution.request.chat_history)
      expect(JSON.parse(row.request)).toEqual({ query: 'three', chat_history: [] })
    })

    it('runs one execution at a time, in the order of their admission', async () => {
      const calls = callsHeld()
      await deploy()
      const said = await sayAll('1', '2', '3', '4', '5')
      expect(said.map(({ execution }) => execution.status)).toEqual(['running', 'queued', 'queued', 'queued', 'queued'])
      for (let turn = 1; turn <= 5; turn++) {
        await came(calls, turn)
        expect(await Promise.all(said.map(statusOf))).toEqual([
          ...Array<string>(turn - 1).fill('completed'),
          'running',
          ...Array<string>(5 - turn).fill('queued'),
        ])
        calls[turn - 1]!.answer(`answer ${turn}`)
      }
      await Promise.all(said.map(({ outcome }) => outcome))
      expect(calls.map(({ query }) => query)).toEqual(['1', '2', '3', '4', '5'])
      expect(calls[4]!.before).toEqual(['1', 'answer 1', '2', 'answer 2', '3', 'answer 3', '4', 'answer 4'])
    })

    it('goes on in a later process in the same order, with no turn missing or twice', async () => {
      callsHeld()
      await deploy({ concurrency: { limit: 2, queue: 100 } })
      const said = await sayAll('1', '2', '3', '4', '5', '6')
      for (const finished of [0, 2]) {
        await engine().crash()
        const calls = callsHeld()
        await engine().dispatcher.recover()
        for (const turn of [1, 2]) {
          await came(calls, turn)
          calls[turn - 1]!.answer(calls[turn - 1]!.query)
          await ended(engine(), said[finished + turn - 1]!.execution.execution_id)
        }
        await came(calls, 3)
      }
      await engine().crash()
      const calls = callsHeld()
      await engine().dispatcher.recover()
      await came(calls, 1)
      expect([calls[0]!.query, calls[0]!.before]).toEqual(['5', ['1', '1', '2', '2', '3', '3', '4', '4']])
      calls[0]!.answer()
      await came(calls, 2)
      calls[1]!.answer()
      await ended(engine(), said[5]!.execution.execution_id)
      expect(calls).toHaveLength(2)
    })

    it('keeps nobody else waiting: neither other sessions, deployments and keys, nor who has none', async () => {
      const calls = callsHeld()
      await deploy({ concurrency: { limit: 10, queue: 10 } })
      await engine().deploy('other', agents({ id: 'a' }))
      const more: Partial<AdmissionRequest>[] = [
        {},
        { session_id: 'other' },
        { session_id: null },
        { api_key_id: 'key' },
        { api_key_id: 'another' },
        { target: { deployment_name: 'other' } },
      ]
      for (const one of more) expect((await say('x', one)).execution.status).toBe('running')
      await came(calls, 6)
      expect((await say('y')).execution.status).toBe('queued')
    })

    it('is between one key and one deployment: others of the same session see nothing of it', async () => {
      await deploy()
      await engine().deploy('other', agents({ id: 'a' }))
      echoes()
      await converse('mine')
      for (const more of [{ api_key_id: 'key' }, { session_id: 'S' }, { session_id: null }, { target: { deployment_name: 'other' } }]) {
        await (
          await say('x', more)
        ).outcome
        expect(lastBefore()).toEqual([])
      }
      await (
        await say('y')
      ).outcome
      expect(lastBefore()).toEqual(['mine', 'MINE'])
      await (
        await say('z', { api_key_id: 'key' })
      ).outcome
      expect(lastBefore()).toEqual(['x', 'X'])
    })

    it('goes on over a redeploy', async () => {
      await deploy()
      echoes()
      await converse('before')
      await engine().deploy('chat', agents({ id: 'b' }))
      await (
        await say('after')
      ).outcome
      expect(lastBefore()).toEqual(['before', 'BEFORE'])
    })

    it('is remembered as far as the setting says, in whole turns', async () => {
      await deploy({ memory: { turns: 2, characters: 100 } })
      echoes()
      await converse('1', '2', '3', '4')
      expect(lastBefore()).toEqual(['2', '2', '3', '3'])
      await deploy({ memory: { turns: 10, characters: 15 } })
      await converse('twelve', '5')
      expect(lastBefore()).toEqual(['4', '4', 'twelve', 'TWELVE'])
      await converse('long'.repeat(10), '6')
      expect(lastBefore()).toEqual([])
    })

    it('is none where nothing is to be remembered', async () => {
      const calls = callsHeld()
      await deploy({ memory: { turns: 0, characters: 0 } })
      const said = await sayAll('1', '2')
      expect(said.map(({ execution }) => execution.status)).toEqual(['running', 'running'])
      await came(calls, 2)
      for (const { answer } of calls) answer()
      await Promise.all(said.map(({ outcome }) => outcome))
      await deploy({})
      echoes()
      await converse('3')
      expect(lastBefore()).toEqual([])
    })

    it('is not told to a request that brings its history, of which instructions are none', async () => {
      await deploy()
      echoes()
      await converse('one')
      const own = [{ role: 'user' as const, content: 'I said' }]
      await (
        await say('two', { request: { query: 'two', chat_history: own } })
      ).outcome
      expect(lastBefore()).toEqual(['I said'])
      const system = [{ role: 'system' as const, content: 'Be brief.' }]
      await (
        await say('three', { request: { query: 'three', chat_history: system } })
      ).outcome
      expect(lastBefore()).toEqual(['one', 'ONE', 'two', 'TWO'])
      expect(engine().models.requests.at(-1)!.system).toContain('Be brief.')
    })

    it('brings its own history also to a request that had to wait', async () => {
      const calls = callsHeld()
      await deploy()
      await say('one')
      const own = [{ role: 'user' as const, content: 'I said' }]
      await say('two', { request: { query: 'two', chat_history: own } })
      await say('three')
      await came(calls, 1)
      calls[0]!.answer()
      await came(calls, 2)
      expect(calls[1]!.before).toEqual(['I said'])
      calls[1]!.answer()
      await came(calls, 3)
      expect(calls[2]!.before).toEqual(['one', 'ONE', 'two', 'TWO'])
    })
  })
}
