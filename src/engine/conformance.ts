import { setImmediate, setTimeout } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { agents, REST_FROM_MS, type EngineUnderTest } from '../../test/support/engine.ts'
import { until } from '../../test/support/api.ts'
import { reactivateDeployment, stopDeployment } from '../deployments/repository.ts'
import { ModelFailed, ModelRefused, StorageFull } from '../errors.ts'
import { cancelExecution, resumeExecution } from '../executions/in-flight-repository.ts'
import { ModelCallError } from '../models/model-call-error.ts'
import type { ModelRequest } from '../models/model.ts'
import type { RecordedEvent } from './journal.ts'

const fails = (retryAfterMs?: number): never => {
  const error = new ModelFailed({ model: 'fake/model', reason: 'it is busy' })
  throw new ModelCallError(error, { retryable: true, ...(retryAfterMs !== undefined && { retryAfterMs }) })
}
const refuses = (): never => {
  throw new ModelCallError(new ModelRefused({ model: 'fake/model', reason: 'no', provider_status: 401 }), { retryable: false })
}
const hangs = (request: ModelRequest): Promise<never> =>
  new Promise((_, reject) => request.signal.addEventListener('abort', () => reject(request.signal.reason as Error)))

/**
 * What every engine promises (P1 to P3 and P5), as tests: an adapter of the journal and of the dispatcher passes them all.
 * Crashes here are those of a process that stops writing; test/torture kills real ones.
 */
export function describeEngine(name: string, make: () => Promise<EngineUnderTest>): void {
  describe(`the engine on ${name}`, () => {
    let engine: EngineUnderTest
    beforeEach(async () => {
      engine = await make()
    })
    afterEach(() => engine.close())

    describe('an execution', () => {
      it('is recorded with its steps, attempts, tokens and counters', async () => {
        const id = await engine.deploy('one', agents({ id: 'a' }))
        const { execution, outcome } = await engine.run('one')
        expect(outcome).toMatchObject({ status: 'completed', response: 'yes', tokens: { total: 3 } })
        expect(await engine.execution(execution.execution_id)).toMatchObject({
          status: 'completed',
          response: 'yes',
          input_tokens: 1,
          output_tokens: 2,
        })
        const steps = await engine.steps(execution.execution_id)
        expect(steps).toMatchObject([{ step_id: 'a#1', kind: 'model', status: 'completed', attempts: [{ number: 1 }] }])
        expect(await engine.deployment(id)).toMatchObject({ execution_count: 1, error_count: 0, last_error: null })
        expect(engine.faults).toEqual([])
      })

      it('retries a failing step as often as max_retries says, then fails with its error', async () => {
        const id = await engine.deploy('busy', agents({ id: 'a' }), { max_retries: 2 })
        engine.models.replies = [() => fails()]
        const { execution, outcome } = await engine.run('busy')
        expect(outcome).toMatchObject({ status: 'failed', error: { code: 'model_failed' } })
        const [step] = await engine.steps(execution.execution_id)
        expect(step).toMatchObject({ status: 'failed' })
        expect(step!.attempts.map((attempt) => attempt.error?.code)).toEqual(['model_failed', 'model_failed', 'model_failed'])
        expect(await engine.deployment(id)).toMatchObject({
          execution_count: 1,
          error_count: 1,
          last_error: expect.stringContaining('it is busy'),
        })
      })

      it("obeys an agent's own max_retries where it is lower, and not where it is higher", async () => {
        engine.models.replies = [() => fails()]
        await engine.deploy('low', agents({ id: 'a', max_retries: 0 }), { max_retries: 2 })
        await engine.deploy('high', agents({ id: 'a', max_retries: 5 }), { max_retries: 1 })
        const low = await engine.run('low')
        const high = await engine.run('high')
        expect((await engine.steps(low.execution.execution_id))[0]!.attempts).toHaveLength(1)
        expect((await engine.steps(high.execution.execution_id))[0]!.attempts).toHaveLength(2)
      })

      it('does not retry what cannot succeed', async () => {
        await engine.deploy('refused', agents({ id: 'a' }), { max_retries: 5 })
        engine.models.replies = [() => refuses()]
        const { execution, outcome } = await engine.run('refused')
        expect(outcome).toMatchObject({ status: 'failed', error: { code: 'model_refused', details: { step_id: 'a#1' } } })
        expect((await engine.steps(execution.execution_id))[0]!.attempts).toHaveLength(1)
      })

      it('waits as long as Retry-After says', async () => {
        await engine.deploy('later', agents({ id: 'a' }))
        let failedAt = 0
        engine.models.replies = [
          () => {
            failedAt = performance.now()
            return fails(700)
          },
          () => ({ text: 'now' }),
        ]
        const { outcome } = await engine.run('later')
        expect(outcome).toMatchObject({ status: 'completed', response: 'now' })
        expect(performance.now() - failedAt).toBeGreaterThanOrEqual(695)
      })

      it('has its failed attempt on disk before it waits for the next', async () => {
        await engine.deploy('resting', agents({ id: 'a' }))
        engine.models.replies = [() => setTimeout(50).then(() => fails(60_000))]
        const execution = await engine.admit('resting')
        void engine.dispatcher.start(execution)
        await until(async () => (await engine.steps(execution.execution_id))[0]?.attempts[0]?.error, 'the failed attempt')
        expect((await engine.steps(execution.execution_id))[0]).toMatchObject({
          status: 'running',
          attempts: [{ error: { code: 'model_failed' } }],
        })
      })

      it('takes back what an abandoned attempt had streamed', async () => {
        await engine.deploy('again', agents({ id: 'a' }))
        engine.models.replies = [
          (request) => {
            request.onText('half 🎉')
            return fails()
          },
          () => ({ text: 'whole' }),
        ]
        const { execution } = await engine.run('again')
        const events = await engine.events(execution.execution_id)
        const order = events.filter(({ type }) => type !== 'step').map(({ type, data, discard }) => [type, data ?? discard])
        // Characters are code points: the party popper counts as one.
        expect(order).toEqual([
          ['content', 'half 🎉'],
          ['retry', 6],
          ['content', 'whole'],
        ])
        expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => index + 2))
      })

      it('ends after its timeout, and aborts the call', async () => {
        const id = await engine.deploy('slow', agents({ id: 'a' }), { timeout: 1 })
        let aborted = false
        engine.models.replies = [
          (request) => {
            request.signal.addEventListener('abort', () => (aborted = true))
            return hangs(request)
          },
        ]
        const { execution, outcome } = await engine.run('slow')
        expect(outcome).toMatchObject({ status: 'failed', error: { code: 'execution_timeout' } })
        expect(aborted).toBe(true)
        expect(await engine.execution(execution.execution_id)).toMatchObject({ status: 'failed' })
        expect(await engine.deployment(id)).toMatchObject({ execution_count: 1, error_count: 1 })
      })

      it('ends after its timeout even if the call does not heed its signal', async () => {
        await engine.deploy('deaf', agents({ id: 'a' }), { timeout: 1 })
        engine.models.replies = [() => new Promise(() => undefined)]
        expect((await engine.run('deaf')).outcome).toMatchObject({ status: 'failed', error: { code: 'execution_timeout' } })
      })

      it('stays as it was when it is cancelled in the journal before it ends', async () => {
        await engine.deploy('gone', agents({ id: 'a' }))
        const execution = await engine.admit('gone')
        const heard: RecordedEvent[] = []
        engine.hub.listen(execution.execution_id, (events) => heard.push(...events))
        let finish: () => void = () => undefined
        engine.models.replies = [() => new Promise((resolve) => (finish = () => resolve({ text: 'too late' })))]
        const outcome = engine.dispatcher.start(execution)
        await until(async () => engine.models.requests.length > 0, 'the call')
        const cancelled = await engine.store.write(cancelExecution, { execution_id: execution.execution_id, now: 1 })
        finish()
        expect(await outcome).toEqual({ status: 'cancelled' })
        expect(await engine.execution(execution.execution_id)).toMatchObject({ status: 'cancelled', response: null })
        await engine.dispatcher.cancel([cancelled])
        expect(heard.at(-1)).toMatchObject({
          type: 'status',
          status: 'error',
          code: 'execution_cancelled',
          at: 1,
          id: cancelled.last_event_id,
        })
      })
    })

    describe('agents', () => {
      it('call those that they are connected to, and so on down, each model call a step', async () => {
        await engine.deploy('team', agents({ id: 'lead', calls: ['mid'] }, { id: 'mid', calls: ['leaf'] }, { id: 'leaf' }))
        const calling = (name: string) => () => ({ calls: [{ id: 'c1', name, arguments: '{"query":"go"}' }], finish_reason: 'tool-calls' })
        engine.models.replies = [
          calling('mid'),
          calling('leaf'),
          () => ({ text: 'deep' }),
          () => ({ text: 'middle' }),
          () => ({ text: 'done' }),
        ]
        const { execution, outcome } = await engine.run('team')
        expect(outcome).toMatchObject({ status: 'completed', response: 'done', tokens: { total: 15 } })
        expect((await engine.steps(execution.execution_id)).map(({ step_id, kind }) => [step_id, kind])).toEqual([
          ['lead#1', 'model'],
          ['lead#1.1', 'agent'],
          ['lead#1.1/mid#1', 'model'],
          ['lead#1.1/mid#1.1', 'agent'],
          ['lead#1.1/mid#1.1/leaf#1', 'model'],
          ['lead#1.1/mid#2', 'model'],
          ['lead#2', 'model'],
        ])
        const told = (await engine.events(execution.execution_id)).filter(({ type }) => type === 'tool')
        expect(told.map(({ name, state, result }) => [name, state, result])).toEqual([
          ['mid', 'started', undefined],
          ['leaf', 'started', undefined],
          ['leaf', 'completed', 'deep'],
          ['mid', 'completed', 'middle'],
        ])
        // Only the lead's text is the answer.
        const content = (await engine.events(execution.execution_id)).filter(({ type }) => type === 'content').map(({ data }) => data)
        expect(content.join('')).toBe('done')
      })

      it('are told what is wrong with a call that makes no sense, and go on', async () => {
        await engine.deploy('odd', agents({ id: 'lead', calls: ['b'] }, { id: 'b' }))
        const calls = [
          { id: 'c1', name: 'nobody', arguments: '{}' },
          { id: 'c2', name: 'b', arguments: '{broken' },
        ]
        engine.models.replies = [() => ({ calls }), () => ({ text: 'sorry' })]
        expect((await engine.run('odd')).outcome).toMatchObject({ status: 'completed', response: 'sorry' })
        const results = engine.models.requests[1]!.messages.at(-1)
        expect(results).toMatchObject({
          role: 'tool_results',
          results: [{ output: expect.stringContaining("no tool named 'nobody'") }, { output: expect.stringContaining('JSON object') }],
        })
      })

      it('that call for ever are stopped', async () => {
        await engine.deploy('loop', agents({ id: 'lead', calls: ['b'] }, { id: 'b', model: 'demo/x' }))
        engine.models.replies = [
          (request) => (request.tools.length > 0 ? { calls: [{ id: 'c', name: 'b', arguments: '{"query":"again"}' }] } : { text: 'ok' }),
        ]
        expect((await engine.run('loop')).outcome).toMatchObject({ status: 'failed', error: { code: 'agent_turn_limit' } })
      })

      it('that fail, fail the execution with the step that failed', async () => {
        await engine.deploy('team', agents({ id: 'lead', calls: ['b'] }, { id: 'b' }))
        engine.models.replies = [() => ({ calls: [{ id: 'c', name: 'b', arguments: '{"query":"go"}' }] }), () => refuses()]
        const { execution, outcome } = await engine.run('team')
        expect(outcome).toMatchObject({ status: 'failed', error: { code: 'model_refused', details: { step_id: 'lead#1.1/b#1' } } })
        expect((await engine.steps(execution.execution_id)).map(({ status }) => status)).toEqual(['completed', 'failed', 'failed'])
      })

      it('that fail, leave no step running that began beside them', async () => {
        await engine.deploy('team', agents({ id: 'lead', calls: ['b', 'c'] }, { id: 'b' }, { id: 'c' }))
        const calls = ['b', 'c'].map((name) => ({ id: name, name, arguments: '{"query":"go"}' }))
        engine.models.replies = [() => ({ calls }), hangs, refuses]
        const { execution, outcome } = await engine.run('team')
        expect(outcome).toMatchObject({ status: 'failed', error: { code: 'model_refused', details: { step_id: 'lead#1.2/c#1' } } })
        const steps = await engine.steps(execution.execution_id)
        expect(steps.map(({ step_id, status, attempts: [attempt] }) => [step_id, status, attempt!.error?.code])).toEqual([
          ['lead#1', 'completed', undefined],
          ['lead#1.1', 'failed', 'abandoned'],
          ['lead#1.1/b#1', 'failed', 'abandoned'],
          ['lead#1.2', 'failed', 'model_refused'],
          ['lead#1.2/c#1', 'failed', 'model_refused'],
        ])
      })

      it('begin nothing before what it follows from is on disk, side by side as well', async () => {
        await engine.deploy('team', agents({ id: 'lead', calls: ['b', 'c'] }, { id: 'b' }, { id: 'c' }))
        const calls = ['b', 'c', 'b'].map((name) => ({ id: name, name, arguments: '{"query":"go"}' }))
        const recorded: unknown[] = []
        const completed = async (executionId: string) => {
          const steps = await engine.steps(executionId)
          return steps.filter(({ status }) => status === 'completed').map(({ step_id }) => step_id)
        }
        engine.models.replies = [
          () => ({ calls }),
          async ({ idempotency_key }) => {
            recorded.push(await completed(idempotency_key.split(':')[0]!))
            return { text: 'ok' }
          },
        ]
        await engine.run('team')
        expect(recorded.slice(0, 3)).toEqual([['lead#1'], ['lead#1'], ['lead#1']])
      })

      it('may be called a thousand times in one turn, by names that every object has as well', async () => {
        await engine.deploy('crowd', agents({ id: 'lead', calls: ['constructor'] }, { id: 'constructor' }))
        const names = ['constructor', '__proto__', 'toString', 'hasOwnProperty']
        const calls = Array.from({ length: 1000 }, (_, index) => ({ id: 'same', name: names[index % 4]!, arguments: '{"query":"go"}' }))
        engine.models.replies = [() => ({ calls }), () => ({ text: 'ok' })]
        const appends = vi.spyOn(engine.journal, 'append')
        const { execution, outcome } = await engine.run('crowd')
        expect(outcome).toMatchObject({ status: 'completed' })
        expect(await engine.steps(execution.execution_id)).toHaveLength(2 + 250 * 2)
        // They are recorded together.
        expect(appends.mock.calls.length).toBeLessThan(50)
      })

      it('answer with everything they said in their turns', async () => {
        await engine.deploy('chatty', agents({ id: 'lead', calls: ['b'] }, { id: 'b' }))
        engine.models.replies = [
          (request) => {
            request.onText('Let me ask.')
            return { text: 'Let me ask.', calls: [{ id: 'c', name: 'b', arguments: '{"query":"?"}' }] }
          },
          () => ({ text: 'inner' }),
          () => ({ text: 'Here it is.' }),
        ]
        const { execution, outcome } = await engine.run('chatty')
        expect(outcome).toMatchObject({ response: 'Let me ask.\n\nHere it is.' })
        const content = (await engine.events(execution.execution_id)).filter(({ type }) => type === 'content').map(({ data }) => data)
        expect(content.join('')).toBe('Let me ask.\n\nHere it is.')
      })
    })

    describe('a later process', () => {
      it('goes on with what an earlier one left, and repeats no recorded step', async () => {
        await engine.deploy('team', agents({ id: 'lead', calls: ['b'] }, { id: 'b' }))
        engine.models.replies = [() => ({ calls: [{ id: 'c', name: 'b', arguments: '{"query":"go"}' }] }), hangs]
        const execution = await engine.admit('team')
        void engine.dispatcher.start(execution)
        await until(async () => (await engine.steps(execution.execution_id)).length === 3, 'the steps to be recorded')
        await engine.crash()

        engine.models.requests.length = 0
        engine.models.replies = [() => ({ text: 'from b' }), () => ({ text: 'end' })]
        await engine.dispatcher.recover()
        await until(async () => (await engine.execution(execution.execution_id)).ended_at !== null, 'the end')
        expect(await engine.execution(execution.execution_id)).toMatchObject({ status: 'completed', response: 'end', recoveries: 1 })
        expect(engine.models.requests.map(({ idempotency_key }) => idempotency_key.split(':')[1])).toEqual(['lead#1.1/b#1', 'lead#2'])
        const steps = await engine.steps(execution.execution_id)
        expect(steps.find(({ step_id }) => step_id === 'lead#1.1/b#1')!.attempts).toMatchObject([
          { error: { code: 'interrupted' } },
          { number: 2 },
        ])
      })

      it('gives up a step that was running in too many crashes', async () => {
        await engine.deploy('poison', agents({ id: 'a' }), { max_retries: 20 })
        engine.models.replies = [hangs]
        const execution = await engine.admit('poison')
        void engine.dispatcher.start(execution)
        for (let crash = 1; crash <= 4; crash++) {
          await until(async () => (await engine.steps(execution.execution_id))[0]?.attempts.length === crash, `attempt ${crash}`)
          await engine.crash()
          await engine.dispatcher.recover()
        }
        await until(async () => (await engine.execution(execution.execution_id)).ended_at !== null, 'the end')
        expect(JSON.parse((await engine.execution(execution.execution_id)).error!)).toMatchObject({ code: 'step_interrupted' })
        // Once, and three times more because of crashes.
        expect(engine.models.requests).toHaveLength(4)
      })

      it('counts an attempt that a crash left no trace of as well', async () => {
        await engine.deploy('traceless', agents({ id: 'a' }), { max_retries: 20 })
        engine.models.replies = [hangs]
        const execution = await engine.admit('traceless')
        void engine.dispatcher.start(execution)
        await setImmediate()
        expect(engine.models.requests).toHaveLength(1)
        await engine.crash()
        expect(await engine.steps(execution.execution_id)).toEqual([])
        for (let calls = 2; calls <= 4; calls++) {
          await engine.dispatcher.recover()
          await until(async () => engine.models.requests.length === calls, `call ${calls}`)
          await engine.crash()
        }
        await engine.dispatcher.recover()
        await until(async () => (await engine.execution(execution.execution_id)).ended_at !== null, 'the end')
        expect(JSON.parse((await engine.execution(execution.execution_id)).error!)).toMatchObject({ code: 'step_interrupted' })
        expect(engine.models.requests).toHaveLength(4)
      })

      it('retries no earlier than Retry-After allows, and takes a crash in that wait for none of the step', async () => {
        await engine.deploy('patient', agents({ id: 'a' }))
        let failedAt = 0
        engine.models.replies = [
          async () => {
            await setTimeout(50)
            failedAt = performance.now()
            return fails(1_500)
          },
          () => ({ text: 'at last' }),
        ]
        const execution = await engine.admit('patient')
        void engine.dispatcher.start(execution)
        await until(async () => (await engine.steps(execution.execution_id))[0]?.attempts[0]?.error, 'the failed attempt')
        await engine.crash()
        expect(engine.models.requests).toHaveLength(1)
        await engine.dispatcher.recover()
        await until(async () => engine.models.requests.length === 2, 'the retry')
        expect(performance.now() - failedAt).toBeGreaterThanOrEqual(1_495)
        await until(async () => (await engine.execution(execution.execution_id)).ended_at !== null, 'the end')
        const [step] = await engine.steps(execution.execution_id)
        expect(step!.attempts.map(({ error }) => error?.code)).toEqual(['model_failed', undefined])
      })

      it('takes back what the interrupted attempt had streamed', async () => {
        await engine.deploy('torn', agents({ id: 'a' }))
        engine.models.replies = [
          (request) => {
            request.onText('torn text')
            return hangs(request)
          },
        ]
        const execution = await engine.admit('torn')
        void engine.dispatcher.start(execution)
        await until(async () => (await engine.events(execution.execution_id)).some(({ type }) => type === 'content'), 'the text')
        await engine.crash()
        engine.models.replies = [() => ({ text: 'whole' })]
        await engine.dispatcher.recover()
        await until(async () => (await engine.execution(execution.execution_id)).ended_at !== null, 'the end')
        const events = await engine.events(execution.execution_id)
        expect(events.filter(({ type }) => type !== 'step').map(({ type, data, discard }) => [type, data ?? discard])).toEqual([
          ['content', 'torn text'],
          ['retry', 9],
          ['content', 'whole'],
        ])
        expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => index + 2))
      })

      it('counts only the time that a process ran towards the timeout', async () => {
        await engine.deploy('patient', agents({ id: 'a' }), { timeout: 2 })
        engine.models.replies = [hangs]
        const execution = await engine.admit('patient')
        void engine.dispatcher.start(execution)
        await until(async () => (await engine.steps(execution.execution_id)).length === 1, 'the start')
        await engine.die()
        await setTimeout(2_100)
        await engine.open()
        engine.models.replies = [() => ({ text: 'still in time' })]
        await engine.dispatcher.recover()
        await until(async () => (await engine.execution(execution.execution_id)).ended_at !== null, 'the end')
        expect(await engine.execution(execution.execution_id)).toMatchObject({ status: 'completed' })
      })
    })

    describe('an execution that waits long', () => {
      it('rests outside of the memory until the time of its retry, and wakes by itself', async () => {
        await engine.deploy('resting', agents({ id: 'a' }))
        let failedAt = 0
        engine.models.replies = [
          () => {
            failedAt = performance.now()
            return fails(2 * REST_FROM_MS)
          },
          () => ({ text: 'rested' }),
        ]
        const execution = await engine.admit('resting')
        const outcome = engine.dispatcher.start(execution)
        await until(async () => (await engine.execution(execution.execution_id)).status === 'waiting', 'the rest')
        expect(await outcome).toMatchObject({ status: 'completed', response: 'rested' })
        expect(performance.now() - failedAt).toBeGreaterThanOrEqual(2 * REST_FROM_MS - 5)
        expect(await engine.execution(execution.execution_id)).toMatchObject({ status: 'completed', recoveries: 0, wake_at: null })
      })

      it('wakes in a later process, at the time that it had', async () => {
        await engine.deploy('days', agents({ id: 'a' }), { timeout: 86_400 })
        const hours = 3_600_000
        engine.models.replies = [() => fails(10 * hours), () => ({ text: 'in the evening' })]
        const execution = await engine.admit('days')
        void engine.dispatcher.start(execution)
        await until(async () => (await engine.execution(execution.execution_id)).status === 'waiting', 'the rest')
        await engine.crash()
        await engine.dispatcher.recover()
        expect(await engine.execution(execution.execution_id)).toMatchObject({ status: 'waiting' })

        const { clock } = engine
        await engine.die()
        engine.clock = { ...clock, now: () => clock.now() + 11 * hours }
        await engine.open()
        await engine.dispatcher.recover()
        await until(async () => (await engine.execution(execution.execution_id)).ended_at !== null, 'the end')
        expect(await engine.execution(execution.execution_id)).toMatchObject({ response: 'in the evening', recoveries: 0 })
        expect(engine.models.requests).toHaveLength(2)
      })

      it('rests no longer than its timeout', async () => {
        await engine.deploy('hasty', agents({ id: 'a' }), { timeout: 1 })
        engine.models.replies = [() => fails(3_600_000)]
        expect((await engine.run('hasty')).outcome).toMatchObject({ status: 'failed', error: { code: 'execution_timeout' } })
      })

      it('stays while a step beside the one that waits is at work', async () => {
        await engine.deploy('team', agents({ id: 'lead', calls: ['b', 'c'] }, { id: 'b' }, { id: 'c' }))
        const calls = ['b', 'c'].map((name) => ({ id: name, name, arguments: '{"query":"go"}' }))
        let finish: () => void = () => undefined
        engine.models.replies = [
          () => ({ calls }),
          () => new Promise((resolve) => (finish = () => resolve({ text: 'b' }))),
          () => fails(2 * REST_FROM_MS),
          () => ({ text: 'ok' }),
        ]
        const execution = await engine.admit('team')
        const outcome = engine.dispatcher.start(execution)
        await until(async () => (await engine.steps(execution.execution_id)).some(({ attempts }) => attempts[0]?.error), 'the failure')
        await setImmediate()
        expect(await engine.execution(execution.execution_id)).toMatchObject({ status: 'running' })
        finish()
        await until(async () => (await engine.execution(execution.execution_id)).status === 'waiting', 'the rest')
        expect(await outcome).toMatchObject({ status: 'completed' })
        // Each step once, but for the one that failed.
        expect(engine.models.requests).toHaveLength(5)
      })
    })

    describe('a frozen execution', () => {
      const calling = () => ({ calls: [{ id: 'c', name: 'b', arguments: '{"query":"go"}' }] })
      const stop = (name: string, mode: 'freeze' | 'cancel') =>
        engine.store.write(stopDeployment, { name, environments: ['production'], mode, now: engine.clock.now() })
      const freeze = async (name: string) => engine.dispatcher.heed((await stop(name, 'freeze')).frozen)
      const reactivate = async (name: string) => {
        const { thawed } = await engine.store.write(reactivateDeployment, { name, environments: ['production'], now: engine.clock.now() })
        engine.dispatcher.heed(thawed)
        return thawed
      }

      /** The lead's first turn is under way, and ends when the test says so. */
      async function start(name: string) {
        const deployment = await engine.deploy(name, agents({ id: 'lead', calls: ['b'] }, { id: 'b' }), { timeout: 2 })
        let finish: () => void = () => undefined
        engine.models.replies = [
          () => new Promise((resolve) => (finish = () => resolve(calling()))),
          () => ({ text: 'from b' }),
          () => ({ text: 'end' }),
        ]
        const execution = await engine.admit(name)
        const outcome = engine.dispatcher.start(execution)
        await until(async () => engine.models.requests.length === 1, 'the call')
        return { deployment, id: execution.execution_id, outcome, finish: () => finish() }
      }
      const rested = (id: string) => until(async () => (await engine.execution(id)).status === 'waiting', 'the rest')

      it('ends the step that runs, rests before the next, and goes on when it is woken', async () => {
        const { id, outcome, finish } = await start('frozen')
        await freeze('frozen')
        expect(await engine.execution(id)).toMatchObject({ status: 'running' })
        finish()
        await rested(id)
        expect(engine.models.requests).toHaveLength(1)
        // Longer than its timeout: a rest does not count.
        await setTimeout(2_100)
        await reactivate('frozen')
        expect(await outcome).toMatchObject({ status: 'completed', response: 'end' })
        expect(engine.models.requests).toHaveLength(3)
        expect(await engine.execution(id)).toMatchObject({ recoveries: 0, frozen: 0 })
      })

      it('rests over any number of restarts', async () => {
        const { id, finish } = await start('restarted')
        await freeze('restarted')
        finish()
        await rested(id)
        for (let restart = 0; restart < 5; restart++) {
          await engine.crash()
          await engine.dispatcher.recover()
        }
        expect(await engine.execution(id)).toMatchObject({ status: 'waiting', recoveries: 0 })
        expect(engine.models.requests).toHaveLength(1)
        await reactivate('restarted')
        await until(async () => (await engine.execution(id)).ended_at !== null, 'the end')
        expect(await engine.execution(id)).toMatchObject({ status: 'completed', response: 'end' })
      })

      it('rests after a crash that came before it could', async () => {
        const { id } = await start('crashed')
        await freeze('crashed')
        await engine.crash()
        await engine.dispatcher.recover()
        await rested(id)
        expect(engine.models.requests).toHaveLength(1)
        engine.models.replies = [() => ({ text: 'after all' })]
        await engine.crash()
        await reactivate('crashed')
        await until(async () => (await engine.execution(id)).ended_at !== null, 'the end')
        expect(await engine.execution(id)).toMatchObject({ status: 'completed', response: 'after all', recoveries: 1 })
      })

      it('goes on if the process dies between the end of the freeze and the waking', async () => {
        const { id, finish } = await start('dozing')
        await freeze('dozing')
        finish()
        await rested(id)
        await engine.store.write(reactivateDeployment, { name: 'dozing', environments: ['production'], now: 1 })
        await engine.crash()
        await engine.dispatcher.recover()
        await until(async () => (await engine.execution(id)).ended_at !== null, 'the end')
        expect(await engine.execution(id)).toMatchObject({ status: 'completed', response: 'end' })
      })

      it('does not rest when it is thawed while its step still runs', async () => {
        const { id, outcome, finish } = await start('quick')
        await freeze('quick')
        await reactivate('quick')
        finish()
        expect(await outcome).toMatchObject({ status: 'completed' })
        expect(engine.models.requests).toHaveLength(3)
        expect((await engine.execution(id)).active_ms).toBe(0)
      })

      it('is never lost, however freeze and thaw follow each other', async () => {
        const { outcome, finish } = await start('wavering')
        finish()
        for (let round = 0; round < 40; round++) {
          await freeze('wavering')
          if (round % 3 === 0) await setTimeout(round % 7)
          await reactivate('wavering')
          if (round % 2 === 0) await setImmediate()
        }
        expect(await outcome).toMatchObject({ status: 'completed', response: 'end' })
        expect(engine.models.requests).toHaveLength(3)
        expect(engine.faults).toEqual([])
      })

      it('can be cancelled, which whoever waits for it is told', async () => {
        const { id, outcome, finish } = await start('cancelled')
        await freeze('cancelled')
        finish()
        await rested(id)
        await engine.dispatcher.cancel((await stop('cancelled', 'cancel')).cancelled)
        expect(await outcome).toEqual({ status: 'cancelled' })
        expect(await reactivate('cancelled')).toEqual([])
        expect(await engine.execution(id)).toMatchObject({ status: 'cancelled', frozen: 0, wake_at: null })
      })

      it('that waits for room rests at once', async () => {
        const { outcome, finish } = await start('queued')
        finish()
        await outcome
        await engine.crash(1)
        engine.models.replies = [hangs, () => ({ text: 'end' })]
        void engine.dispatcher.start(await engine.admit('queued'))
        const execution = await engine.admit('queued')
        const second = engine.dispatcher.start(execution)
        await freeze('queued')
        expect(await engine.execution(execution.execution_id)).toMatchObject({ status: 'waiting', started_at: null })
        await engine.dispatcher.cancel([await engine.store.write(cancelExecution, { execution_id: execution.execution_id, now: 1 })])
        expect(await second).toEqual({ status: 'cancelled' })
      })
    })

    describe('a failed execution', () => {
      const resume = async (executionId: string) => {
        await engine.store.write(resumeExecution, { execution_id: executionId, now: engine.clock.now() })
        engine.dispatcher.heed([executionId])
        await until(async () => (await engine.execution(executionId)).ended_at !== null, 'the end')
        return engine.execution(executionId)
      }

      it('is resumed from the step that failed, with all its retries, and keeps what was recorded', async () => {
        const id = await engine.deploy('team', agents({ id: 'lead', calls: ['b'] }, { id: 'b' }), { max_retries: 1 })
        engine.models.replies = [() => ({ calls: [{ id: 'c', name: 'b', arguments: '{"query":"go"}' }] }), () => fails()]
        const { execution, outcome } = await engine.run('team')
        expect(outcome).toMatchObject({ status: 'failed' })
        expect(await engine.deployment(id)).toMatchObject({ execution_count: 1, error_count: 1 })

        engine.models.requests.length = 0
        engine.models.replies = [() => fails(), () => ({ text: 'from b' }), () => ({ text: 'end' })]
        const resumed = await resume(execution.execution_id)
        expect(resumed).toMatchObject({ status: 'completed', response: 'end', error: null, recoveries: 0, release_number: 1 })
        expect(engine.models.requests.map(({ idempotency_key }) => idempotency_key.split(':')[1])).toEqual([
          'lead#1.1/b#1',
          'lead#1.1/b#1',
          'lead#2',
        ])
        const steps = await engine.steps(execution.execution_id)
        expect(steps.map(({ step_id, status, attempts }) => [step_id, status, attempts.length])).toEqual([
          ['lead#1', 'completed', 1],
          ['lead#1.1', 'completed', 2],
          ['lead#1.1/b#1', 'completed', 4],
          ['lead#2', 'completed', 1],
        ])
        expect(await engine.deployment(id)).toMatchObject({ execution_count: 1, error_count: 0 })
      })

      it('has the ids of its events go on, and what the failed step had streamed taken back', async () => {
        await engine.deploy('torn', agents({ id: 'a' }), { max_retries: 0 })
        engine.models.replies = [
          (request) => {
            request.onText('torn')
            return fails()
          },
        ]
        const { execution } = await engine.run('torn')
        const failed = await engine.execution(execution.execution_id)
        engine.models.replies = [() => ({ text: 'whole' })]
        const resumed = await resume(execution.execution_id)
        const events = await engine.events(execution.execution_id)
        expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => index + 2))
        expect(events.find(({ type }) => type === 'resume')).toMatchObject({ id: failed.last_event_id, failure: { code: 'model_failed' } })
        expect(events.filter(({ type }) => type !== 'step').map(({ type, data, discard }) => [type, data ?? discard])).toEqual([
          ['content', 'torn'],
          ['resume', undefined],
          ['retry', 4],
          ['content', 'whole'],
        ])
        expect(resumed.last_event_id).toBe(events.length + 2)
      })

      it('that timed out has its timeout anew, and one that crashed too often its tries', async () => {
        await engine.deploy('late', agents({ id: 'a' }), { timeout: 1 })
        engine.models.replies = [hangs]
        const { execution } = await engine.run('late')
        engine.models.replies = [() => ({ text: 'in time' })]
        expect(await resume(execution.execution_id)).toMatchObject({ status: 'completed', response: 'in time' })

        await engine.deploy('poison', agents({ id: 'a' }))
        engine.models.replies = [hangs]
        const poison = await engine.admit('poison')
        void engine.dispatcher.start(poison)
        for (let crash = 1; crash <= 4; crash++) {
          await until(async () => (await engine.steps(poison.execution_id))[0]?.attempts.length === crash, `attempt ${crash}`)
          await engine.crash()
          await engine.dispatcher.recover()
        }
        await until(async () => (await engine.execution(poison.execution_id)).ended_at !== null, 'the end')
        engine.models.replies = [() => ({ text: 'cured' })]
        expect(await resume(poison.execution_id)).toMatchObject({ status: 'completed', response: 'cured' })
      })

      it('goes on after a crash as if it had never failed', async () => {
        await engine.deploy('twice', agents({ id: 'a' }), { max_retries: 0 })
        engine.models.replies = [() => fails()]
        const { execution } = await engine.run('twice')
        await engine.store.write(resumeExecution, { execution_id: execution.execution_id, now: 1 })
        await engine.crash()
        engine.models.replies = [() => ({ text: 'at last' })]
        await engine.dispatcher.recover()
        await until(async () => (await engine.execution(execution.execution_id)).ended_at !== null, 'the end')
        expect(await engine.execution(execution.execution_id)).toMatchObject({ status: 'completed', recoveries: 0 })
      })
    })

    describe('on a full disk', () => {
      /** Everything that is written fails until it is over. */
      function fill() {
        const write = vi.spyOn(engine.store, 'write').mockImplementation(() => Promise.reject(new StorageFull({})))
        return () => write.mockRestore()
      }

      it('an execution keeps the result that it has, and goes on when there is room', async () => {
        const id = await engine.deploy('full', agents({ id: 'lead', calls: ['b'] }, { id: 'b' }))
        let empty: () => void = () => undefined
        engine.models.replies = [
          () => {
            empty = fill()
            return { calls: [{ id: 'c', name: 'b', arguments: '{"query":"go"}' }] }
          },
          () => ({ text: 'from b' }),
          () => ({ text: 'end' }),
        ]
        const { execution, outcome } = await engine.run('full')
        // Who waits is not left waiting.
        expect(outcome).toMatchObject({ status: 'left', error: { code: 'storage_full' } })
        await expect(engine.admit('full')).rejects.toMatchObject({ code: 'storage_full' })
        expect(engine.journal.isFull).toBe(true)
        empty()
        // There is room, but first for what was accepted.
        await expect(engine.admit('full')).rejects.toMatchObject({ code: 'storage_full' })
        await until(async () => (await engine.execution(execution.execution_id)).ended_at !== null, 'the end')
        expect(await engine.execution(execution.execution_id)).toMatchObject({ status: 'completed', response: 'end', recoveries: 0 })
        expect(engine.models.requests).toHaveLength(3)
        expect(await engine.deployment(id)).toMatchObject({ execution_count: 1 })
        expect(await engine.admit('full')).toMatchObject({ status: 'running' })
        expect(engine.journal.isFull).toBe(false)
        expect(engine.faults).toEqual([])
      })

      it('the time that an execution waits for room does not count towards its timeout', async () => {
        await engine.deploy('patient', agents({ id: 'a' }), { timeout: 1 })
        let empty: () => void = () => undefined
        engine.models.replies = [
          () => {
            empty = fill()
            return { text: 'kept' }
          },
        ]
        const { execution } = await engine.run('patient')
        await setTimeout(1_200)
        empty()
        await until(async () => (await engine.execution(execution.execution_id)).ended_at !== null, 'the end')
        expect(await engine.execution(execution.execution_id)).toMatchObject({ status: 'completed', response: 'kept' })
      })

      it('the server can stop, and a later process goes on', async () => {
        await engine.deploy('stopped', agents({ id: 'a' }))
        let empty: () => void = () => undefined
        engine.models.replies = [
          () => {
            empty = fill()
            return { text: 'lost' }
          },
        ]
        const { execution } = await engine.run('stopped')
        await engine.dispatcher.drain(0)
        empty()
        await engine.crash()
        engine.models.replies = [() => ({ text: 'again' })]
        await engine.dispatcher.recover()
        await until(async () => (await engine.execution(execution.execution_id)).ended_at !== null, 'the end')
        expect(await engine.execution(execution.execution_id)).toMatchObject({ status: 'completed', response: 'again' })
        expect(engine.faults).toEqual([])
      })

      it('what cannot be taken up is taken up later', async () => {
        await engine.deploy('later', agents({ id: 'a' }))
        const execution = await engine.admit('later')
        await engine.crash()
        const empty = fill()
        await engine.dispatcher.recover()
        empty()
        await until(async () => (await engine.execution(execution.execution_id)).ended_at !== null, 'the end')
        expect(engine.faults).toEqual([])
      })
    })

    describe('the dispatcher', () => {
      it('queues what it has no room for, and starts it in the order of admission', async () => {
        await engine.crash(1)
        await engine.deploy('queue', agents({ id: 'a' }))
        const finish: (() => void)[] = []
        engine.models.replies = [() => new Promise((resolve) => finish.push(() => resolve({ text: 'ok' })))]
        const first = await engine.admit('queue')
        const outcomes = [engine.dispatcher.start(first)]
        const second = await engine.admit('queue')
        outcomes.push(engine.dispatcher.start(second))
        expect(await engine.execution(second.execution_id)).toMatchObject({ status: 'queued', started_at: null })
        await until(async () => finish.length === 1, 'the first call')
        finish[0]!()
        await until(async () => finish.length === 2, 'the second call')
        await until(async () => (await engine.execution(second.execution_id)).status === 'running', 'the second to run')
        finish[1]!()
        expect(await Promise.all(outcomes)).toMatchObject([{ status: 'completed' }, { status: 'completed' }])
      })

      it('gives the place of an execution that was refused to the next', async () => {
        await engine.crash(1)
        await engine.deploy('places', agents({ id: 'a' }))
        const refused = engine.admit('nobody')
        const queued = await engine.admit('places')
        const outcome = engine.dispatcher.start(queued)
        await expect(refused).rejects.toMatchObject({ code: 'deployment_not_found' })
        expect(await outcome).toMatchObject({ status: 'completed' })
      })

      it('takes up the others when it cannot take up one', async () => {
        await engine.deploy('left', agents({ id: 'a' }))
        const broken = await engine.admit('left')
        const whole = await engine.admit('left')
        const { takeUp } = engine.journal
        vi.spyOn(engine.journal, 'takeUp').mockImplementation((id, why, now) => {
          if (id === broken.execution_id) throw new Error('unreadable')
          return takeUp.call(engine.journal, id, why, now)
        })
        await engine.dispatcher.recover()
        await until(async () => (await engine.execution(whole.execution_id)).ended_at !== null, 'the end of the other')
        expect(engine.faults).toMatchObject([{ message: 'unreadable' }])
      })

      it('takes up nothing once the server stops', async () => {
        await engine.deploy('late', agents({ id: 'a' }))
        await engine.admit('late')
        const append = vi.spyOn(engine.journal, 'append')
        const recovered = engine.dispatcher.recover()
        await engine.dispatcher.drain(0)
        await recovered
        await setImmediate()
        expect(append).not.toHaveBeenCalled()
      })

      it('leaves what does not end in time to a later process, without counting that as a crash', async () => {
        await engine.deploy('drained', agents({ id: 'a' }))
        engine.models.replies = [hangs]
        const execution = await engine.admit('drained')
        const outcome = engine.dispatcher.start(execution)
        await until(async () => engine.models.requests.length === 1, 'the call')
        await engine.dispatcher.drain(50)
        expect(await outcome).toMatchObject({ status: 'left', error: { code: 'shutting_down' } })
        expect(await engine.execution(execution.execution_id)).toMatchObject({ status: 'queued', ended_at: null })
        expect((await engine.steps(execution.execution_id))[0]!.attempts).toMatchObject([{ error: { code: 'shutting_down' } }])
        await engine.crash()
        engine.models.replies = [() => ({ text: 'later' })]
        await engine.dispatcher.recover()
        await until(async () => (await engine.execution(execution.execution_id)).ended_at !== null, 'the end')
        expect(await engine.execution(execution.execution_id)).toMatchObject({ status: 'completed', response: 'later', recoveries: 0 })
      })
    })
  })
}
