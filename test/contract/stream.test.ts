import { describe, expect, it } from 'vitest'
import { readEvents, remainingText, until, type StreamedEvent } from '../support/api.ts'
import type { Reply } from '../support/scripted-model.ts'
import { useScriptedModels } from '../support/scripted-models.ts'
import { agents, echo, fresh, useStudio } from '../support/studio.ts'

const models = useScriptedModels()
const studio = useStudio(models.env)
const assistant = agents({ agent_id: 'a', config: { model: 'demo/assistant' } })
const scripted = (...replies: Reply[]) => agents({ agent_id: 'a', config: { model: models.model((request) => replies[request - 1]!) } })

async function streamed(configuration: unknown, query: string, fields: object = {}): Promise<StreamedEvent[]> {
  const name = fresh('stream')
  await studio.deployed(name, configuration)
  return readEvents(await studio.stream({ deployment_name: name, query, ...fields }))
}

const follow = (execution_id: string, lastEventId?: number | string) =>
  fetch(`${studio.url}/api/executions/${execution_id}/events`, {
    headers: lastEventId === undefined ? {} : { 'last-event-id': String(lastEventId) },
  })

const idsOf = (events: StreamedEvent[]) => events.map((one) => one.id)
const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1)

describe.concurrent('the wire', () => {
  it('is an event stream that no proxy keeps back', async () => {
    const response = await studio.stream({ deployment_name: 'hello', query: 'x' })
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/)
    expect(response.headers.get('cache-control')).toContain('no-cache')
    await response.text()
  })

  it('has for every event an id line and one data line of JSON, in ASCII', async () => {
    const name = fresh('wire')
    await studio.deployed(name, echo)
    const query = 'Grüße 世界 🦄 \u2028 line\nbreak \u0085'
    const bytes = Buffer.from(await (await studio.stream({ deployment_name: name, query })).arrayBuffer())
    expect(bytes.every((byte) => byte === 10 || (byte >= 32 && byte < 127))).toBe(true)
    const text = bytes.toString('latin1')
    expect(text.endsWith('\n\n')).toBe(true)
    const blocks = text.slice(0, -2).split('\n\n')
    for (const [index, block] of blocks.entries()) expect(block).toMatch(new RegExp(`^id: ${index + 1}\ndata: \\{[^\n]*\\}$`))
    expect(text).toContain('Gr\\u00fc\\u00dfe \\u4e16\\u754c \\ud83e\\udd84')
    expect(JSON.parse(blocks.at(-1)!.split('data: ')[1]!).response).toBe(query)
  })

  it('carries in each event its type, what it belongs to, and a time', async () => {
    const name = fresh('fields')
    const { workflow } = await studio.deployed(name, assistant)
    const events = await readEvents(await studio.stream({ deployment_name: name, query: 'fail once' }))
    const { execution_id } = events[0]!.data
    for (const { data } of events) {
      expect(data).toMatchObject({ type: expect.any(String), execution_id, deployment_name: name, workflow_id: workflow.workflow_id })
      expect(data.timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/)
    }
  })
})

describe.concurrent('an execution that completes', () => {
  it('begins with started, ends with completed, and has no other top-level status', async () => {
    const events = await streamed(assistant, 'hello there')
    expect(events[0]!.data).toMatchObject({ type: 'status', status: 'started' })
    expect(events.at(-1)!.data).toMatchObject({ type: 'status', status: 'completed', response: expect.stringContaining('hello there') })
    for (const { data } of events.slice(1, -1)) expect(data).not.toHaveProperty('status')
    expect(idsOf(events)).toEqual(upTo(events.length))
  })

  it('brings the text in pieces of one step, and they make the response', async () => {
    const events = await streamed(assistant, 'one two three four five six seven eight nine ten')
    const pieces = events.filter((one) => one.data.type === 'content')
    expect(pieces.length).toBeGreaterThan(2)
    expect(new Set(pieces.map((one) => one.data.step_id)).size).toBe(1)
    expect(pieces.map((one) => one.data.data).join('')).toBe(events.at(-1)!.data.response)
  })

  it('brings a piece as soon as the model has said it', async () => {
    const name = fresh('early')
    await studio.deployed(name, scripted({ pieces: ['said ', 'never said'], hangAfter: 1 }))
    const response = await studio.stream({ deployment_name: name, query: 'x' })
    const events = await readEvents(response, ({ data }) => data.type === 'content')
    expect(events.at(-1)!.data.data).toBe('said ')
    await studio.call('DELETE', `/api/workflows/deployments/${name}`)
  })

  it('answers the same as without a stream', async () => {
    const name = fresh('same')
    await studio.deployed(name, assistant)
    const events = await readEvents(await studio.stream({ deployment_name: name, query: 'the same' }))
    expect((await studio.execute({ deployment_name: name, query: 'the same' })).body.response).toBe(events.at(-1)!.data.response)
  })

  it('tells of steps and tool calls, too', async () => {
    const team = {
      agents: [
        { agent_id: 'lead', config: { model: 'demo/assistant' } },
        { agent_id: 'helper', config: { model: 'demo/echo' } },
      ],
      connections: [{ source_agent_id: 'lead', target_agent_id: 'helper' }],
    }
    const events = await streamed(team, 'ask')
    const types = new Set(events.map((one) => one.data.type))
    expect([...types]).toEqual(expect.arrayContaining(['step', 'tool', 'content', 'status']))
    expect(remainingText(events)).toBe(events.at(-1)!.data.response)
  })
})

describe.concurrent('an attempt that is abandoned', () => {
  it('is taken back by a retry event: what remains is the response', async () => {
    const events = await streamed(assistant, 'fail once')
    const retry = events.find((one) => one.data.type === 'retry')!.data
    const before = events.filter((one) => one.data.type === 'content' && one.id < events.find((two) => two.data.type === 'retry')!.id)
    expect(retry).toMatchObject({ attempt: 1, step_id: before[0]!.data.step_id })
    expect(retry.discard).toBe(before.map((one) => one.data.data).join('').length)
    expect(remainingText(events)).toBe(events.at(-1)!.data.response)
  })

  it('counts what is void in characters as clients count them, also outside of the BMP', async () => {
    const events = await streamed(scripted({ pieces: ['🦄🦄', 'é漢'], breakAfter: 2 }, { pieces: ['ok ', '🎉'] }), 'x')
    expect(events.find((one) => one.data.type === 'retry')!.data.discard).toBe(4)
    expect(events.at(-1)!.data).toMatchObject({ status: 'completed', response: 'ok 🎉' })
    expect(remainingText(events)).toBe('ok 🎉')
  })

  it('makes no retry event where it had said nothing', async () => {
    const events = await streamed(scripted({ status: 500 }, { text: 'ok' }), 'x')
    expect(events.map((one) => one.data.type)).not.toContain('retry')
    expect(remainingText(events)).toBe('ok')
  })
})

describe.concurrent('an execution that fails', () => {
  it('ends with an error event that says why and with which code', async () => {
    const events = await streamed(assistant, 'fail for good')
    expect(events[0]!.data.status).toBe('started')
    const last = events.at(-1)!.data
    expect(last).toMatchObject({ type: 'status', status: 'error', code: 'model_refused', error: expect.stringContaining('fail for good') })
    expect(events.filter((one) => 'status' in one.data)).toHaveLength(2)
    expect(idsOf(events)).toEqual(upTo(events.length))
  })

  it('before it begins is a problem and no stream', async () => {
    const stopped = fresh('stopped')
    await studio.deployed(stopped)
    await studio.call('POST', `/api/workflows/deployments/${stopped}/stop`)
    const bodies: [object, number][] = [
      [{ deployment_name: fresh('unknown'), query: 'x' }, 404],
      [{ deployment_name: stopped, query: 'x' }, 404],
      [{ deployment_name: 'hello' }, 422],
      [{ query: 'x' }, 422],
    ]
    for (const [body, status] of bodies) {
      const response = await studio.stream(body)
      expect([body, response.status, response.headers.get('content-type')]).toEqual([body, status, 'application/problem+json'])
      expect(await response.json()).toMatchObject({ status })
    }
  })
})

describe.concurrent('the events of an execution that has ended', () => {
  it('are the very events that were streamed, from the start or after any id', async () => {
    const live = await streamed(assistant, 'fail once, then say some words')
    const data = live.map((one) => one.data)
    const { execution_id } = data[0]
    const replay = async (after?: number) => (await readEvents(await follow(execution_id, after))).map((one) => [one.id, one.data])
    expect(await replay()).toEqual(live.map((one) => [one.id, one.data]))
    expect(await replay(0)).toEqual(live.map((one) => [one.id, one.data]))
    for (const after of upTo(live.length - 1)) expect(await replay(after)).toEqual(live.slice(after).map((one) => [one.id, one.data]))
  })

  it('are 204 after the last one', async () => {
    const live = await streamed(echo, 'x')
    const response = await follow(live[0]!.data.execution_id, live.length)
    expect([response.status, await response.text()]).toEqual([204, ''])
  })

  it('are 422 after an id that is not a number, or beyond the last', async () => {
    const live = await streamed(echo, 'x')
    for (const id of [live.length + 1, 999_999_999, 'abc', '-1', '1.5', '0x1', '1e3', '99999999999999999999']) {
      const response = await follow(live[0]!.data.execution_id, id)
      expect([id, response.status]).toEqual([id, 422])
      expect(await response.json()).toMatchObject({
        code: 'invalid_input',
        errors: [{ message: expect.stringContaining('Last-Event-ID') }],
      })
    }
  })

  it('are there for one that was executed without a stream', async () => {
    const name = fresh('quiet')
    await studio.deployed(name, assistant)
    const { execution_id, response } = (await studio.execute({ deployment_name: name, query: 'x' })).body
    const events = await readEvents(await follow(execution_id))
    expect(idsOf(events)).toEqual(upTo(events.length))
    expect(events[0]!.data.status).toBe('started')
    expect(events.at(-1)!.data).toMatchObject({ status: 'completed', response })
    expect(remainingText(events)).toBe(response)
  })

  it('end with the error of one that failed', async () => {
    const name = fresh('failed')
    await studio.deployed(name, assistant)
    const { body } = await studio.execute({ deployment_name: name, query: 'fail for good' })
    const events = await readEvents(await follow(body.execution_id))
    expect(events.at(-1)!.data).toMatchObject({ status: 'error', code: body.code, error: body.detail })
  })
})

describe.concurrent('the events of an execution that runs', () => {
  it('go on where a client that left takes them up again: no gap, no repeat', async () => {
    const name = fresh('resumed')
    await studio.deployed(name, assistant)
    const query = Array.from({ length: 40 }, (_, index) => `word-${index}`).join(' ')
    const first = await readEvents(await studio.stream({ deployment_name: name, query }), ({ data }) => data.type === 'content')
    const { execution_id } = first[0]!.data
    const middle = await readEvents(await follow(execution_id, first.at(-1)!.id), ({ data }) => data.type === 'content')
    const rest = await readEvents(await follow(execution_id, middle.at(-1)!.id))
    const all = [...first, ...middle, ...rest]
    expect(rest.length).toBeGreaterThan(1)
    expect(idsOf(all)).toEqual(upTo(all.length))
    expect(remainingText(all)).toBe(all.at(-1)!.data.response)
    expect((await readEvents(await follow(execution_id))).map((one) => one.data)).toEqual(all.map((one) => one.data))
  })

  it('reach everybody who follows', async () => {
    const name = fresh('many')
    await studio.deployed(name, assistant)
    const streams = await new Promise<StreamedEvent[][]>((resolve, reject) => {
      const begin = async () => {
        const response = await studio.stream({ deployment_name: name, query: 'take 0.3 seconds and speak to all of us' })
        let others: Promise<StreamedEvent[]>[] = []
        const own = readEvents(response, ({ data, id }) => {
          if (id === 1) others = [follow(data.execution_id), follow(data.execution_id)].map(async (one) => readEvents(await one))
          return false
        })
        resolve([await own, ...(await Promise.all(others))])
      }
      begin().catch(reject)
    })
    expect(streams).toHaveLength(3)
    for (const events of streams) expect(events.map((one) => one.data)).toEqual(streams[0]!.map((one) => one.data))
  })

  it('are 422 beyond the last that there is, and wait after it', async () => {
    const name = fresh('beyond')
    await studio.deployed(name, agents({ agent_id: 'a', config: { model: 'demo/assistant' } }))
    const { execution_id, events } = await studio.startLong(name)
    expect((await follow(execution_id, 1_000)).status).toBe(422)
    await until(async () => (await studio.call('GET', `/api/executions/${execution_id}/steps`)).body.length === 1, 'the step has begun')
    const waiting = await follow(execution_id, 1)
    expect(waiting.status).toBe(200)
    const rest = readEvents(waiting)
    await studio.call('DELETE', `/api/workflows/deployments/${name}`)
    expect((await rest).at(-1)!.data).toMatchObject({ status: 'error', code: 'execution_cancelled' })
    expect((await events).at(-1)!.data.code).toBe('execution_cancelled')
  })
})

it.concurrent('has no events for an execution that does not exist', async () => {
  for (const id of ['00000000-0000-4000-8000-000000000000', 'not-a-uuid']) {
    const response = await follow(id)
    expect([id, response.status, await response.json()]).toMatchObject([id, 404, { code: 'execution_not_found' }])
  }
})

it('keeps over a crash every event that it has sent: no id ever stands for two things', async () => {
  const name = fresh('crash')
  await studio.deployed(name, assistant)
  const query = Array.from({ length: 60 }, (_, index) => `word-${index}`).join(' ')
  let pieces = 0
  const sent = await readEvents(
    await studio.stream({ deployment_name: name, query }),
    ({ data }) => data.type === 'content' && ++pieces === 3,
  )
  const { execution_id } = sent[0]!.data
  await studio.crash()
  // It goes on after the start, and what was said before the crash is void.
  const all = await readEvents(await follow(execution_id))
  expect(all.slice(0, sent.length).map((one) => one.data)).toEqual(sent.map((one) => one.data))
  expect(idsOf(all)).toEqual(upTo(all.length))
  expect(all.find((one) => one.data.type === 'retry')!.id).toBeGreaterThan(sent.length)
  expect(all.at(-1)!.data).toMatchObject({ status: 'completed', response: expect.stringContaining('word-59') })
  expect(remainingText(all)).toBe(all.at(-1)!.data.response)
})
