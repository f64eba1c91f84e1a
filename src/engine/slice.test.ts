import { setImmediate, setTimeout } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { agents, TestEngine } from '../../test/support/engine.ts'
import { until } from '../../test/support/api.ts'
import { ModelFailed, ModelRefused, StorageFull } from '../errors.ts'
import { cancelExecution } from '../executions/repository.ts'
import { ModelCallError } from '../models/model-call-error.ts'
import type { ModelRequest } from '../models/model.ts'
import type { RecordedEvent } from './journal.ts'

let engine: TestEngine
beforeEach(async () => {
  engine = await TestEngine.start()
})
afterEach(() => engine.close())

const fails = (retryAfterMs?: number): never => {
  const error = new ModelFailed({ model: 'fake/model', reason: 'it is busy' })
  throw new ModelCallError(error, { retryable: true, ...(retryAfterMs !== undefined && { retryAfterMs }) })
}
const refuses = (): never => {
  throw new ModelCallError(new ModelRefused({ model: 'fake/model', reason: 'no', provider_status: 401 }), { retryable: false })
}
const hangs = (request: ModelRequest): Promise<never> =>
  new Promise((_, reject) => request.signal.addEventListener('abort', () => reject(request.signal.reason as Error)))

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
    expect(heard.at(-1)).toMatchObject({ type: 'status', status: 'error', code: 'execution_cancelled', at: 1, id: cancelled.last_event_id })
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
    const completed = () => engine.store.reader.prepare(`select step_id from steps where status = 'completed'`).all()
    engine.models.replies = [
      () => ({ calls }),
      () => {
        recorded.push(completed().map((row) => row['step_id']))
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
    await engine.store.close()
    await setTimeout(2_100)
    await engine.crash()
    engine.models.replies = [() => ({ text: 'still in time' })]
    await engine.dispatcher.recover()
    await until(async () => (await engine.execution(execution.execution_id)).ended_at !== null, 'the end')
    expect(await engine.execution(execution.execution_id)).toMatchObject({ status: 'completed' })
  })
})

describe('the dispatcher', () => {
  it('queues what it has no room for, and starts it in the order of admission', async () => {
    await engine.close()
    engine = new TestEngine()
    await engine.open(1)
    await engine.deploy('queue', agents({ id: 'a' }))
    const finish: (() => void)[] = []
    engine.models.replies = [() => new Promise((resolve) => finish.push(() => resolve({ text: 'ok' })))]
    const first = await engine.admit('queue')
    const outcomes = [engine.dispatcher.start(first)]
    expect(engine.dispatcher.hasRoom).toBe(false)
    const second = await engine.admit('queue', { status: 'queued' })
    outcomes.push(engine.dispatcher.start(second))
    expect(await engine.execution(second.execution_id)).toMatchObject({ status: 'queued', started_at: null })
    await until(async () => finish.length === 1, 'the first call')
    finish[0]!()
    await until(async () => finish.length === 2, 'the second call')
    await until(async () => (await engine.execution(second.execution_id)).status === 'running', 'the second to run')
    finish[1]!()
    expect(await Promise.all(outcomes)).toMatchObject([{ status: 'completed' }, { status: 'completed' }])
  })

  it('takes up the others when it cannot take up one', async () => {
    await engine.deploy('left', agents({ id: 'a' }))
    const broken = await engine.admit('left')
    const whole = await engine.admit('left')
    const { recover } = engine.journal
    vi.spyOn(engine.journal, 'recover').mockImplementation((id, now) => {
      if (id === broken.execution_id) throw new Error('unreadable')
      return recover.call(engine.journal, id, now)
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

  it('goes on by itself with what a full disk made it let go of', async () => {
    const id = await engine.deploy('full', agents({ id: 'a' }))
    const append = vi.spyOn(engine.journal, 'append').mockRejectedValueOnce(new StorageFull({}))
    const { execution, outcome } = await engine.run('full')
    expect(outcome).toMatchObject({ status: 'left', error: { code: 'storage_full' } })
    vi.spyOn(engine.journal, 'recover').mockRejectedValueOnce(new StorageFull({}))
    await until(async () => (await engine.execution(execution.execution_id)).ended_at !== null, 'the end')
    expect(await engine.execution(execution.execution_id)).toMatchObject({ status: 'completed', response: 'yes' })
    expect(await engine.deployment(id)).toMatchObject({ execution_count: 1 })
    expect(append).toHaveBeenCalled()
    expect(engine.faults).toEqual([])
  })

  it('leaves what does not end in time to a later process, without counting that as a crash', async () => {
    await engine.deploy('drained', agents({ id: 'a' }))
    engine.models.replies = [hangs]
    const execution = await engine.admit('drained')
    const outcome = engine.dispatcher.start(execution)
    await until(async () => engine.models.requests.length === 1, 'the call')
    await engine.dispatcher.drain(50)
    expect(await outcome).toMatchObject({ status: 'left', error: { code: 'shutting_down' } })
    expect(await engine.execution(execution.execution_id)).toMatchObject({ status: 'running', ended_at: null })
    expect((await engine.steps(execution.execution_id))[0]!.attempts).toMatchObject([{ error: { code: 'shutting_down' } }])
    await engine.crash()
    engine.models.replies = [() => ({ text: 'later' })]
    await engine.dispatcher.recover()
    await until(async () => (await engine.execution(execution.execution_id)).ended_at !== null, 'the end')
    expect(await engine.execution(execution.execution_id)).toMatchObject({ status: 'completed', response: 'later' })
  })
})
