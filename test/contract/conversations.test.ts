import { describe, expect, it } from 'vitest'
import { until } from '../support/api.ts'
import { useScriptedModels } from '../support/scripted-models.ts'
import { agents, fresh, useStudio } from '../support/studio.ts'

const models = useScriptedModels()
const studio = useStudio(models.env)

const parrot = () => models.model((request) => ({ text: `answer ${request}` }))
const deployed = (name: string, model: string, runtime_config: object = {}) =>
  studio.deployed(name, agents({ agent_id: 'a', config: { model } }), { runtime_config })
const say = async (deployment_name: string, query: string, fields: object = {}) => {
  const { status, body } = await studio.execute({ deployment_name, query, session_id: 'chat', ...fields })
  expect(status).toBe(200)
  return (await studio.call('GET', `/api/executions/${body.execution_id}`)).body
}
const saidTo = (model: string): unknown[] =>
  models
    .requests(model)
    .at(-1)!
    .body.messages!.map(({ content }) => content)

describe.concurrent('a session', () => {
  it('is remembered: an agent is told what was said before, and the execution shows it', async () => {
    const [name, model] = [fresh('remembered'), parrot()]
    await deployed(name, model)
    await say(name, 'one')
    await say(name, 'two')
    const third = await say(name, 'three')
    expect(saidTo(model)).toEqual(['one', 'answer 1', 'two', 'answer 2', 'three'])
    expect(third).toMatchObject({ session_id: 'chat', query: 'three', remembered_turns: 2, test: false })
    expect(third.chat_history.slice(2)).toEqual([
      { role: 'user', content: 'two' },
      { role: 'assistant', content: 'answer 2' },
    ])
    expect(await say(name, 'alone', { session_id: undefined })).toMatchObject({ chat_history: [], remembered_turns: 0 })
    expect((await studio.call('GET', `/api/executions?session_id=chat&deployment_name=${name}`)).body).toHaveLength(3)
  })

  it('is what templates see as chat_history', async () => {
    const name = fresh('templates')
    const value = '{{ chat_history | map: "content" | join: " / " }}'
    await studio.deployed(name, { steps: [{ step_id: 'show', step_type: 'transform', config: { template: value } }] })
    await say(name, 'one')
    expect(await say(name, 'two')).toMatchObject({ response: 'one' })
    expect(await say(name, 'three')).toMatchObject({ response: 'one / two / one' })
  })

  it('is told as far as the runtime configuration says, which is shown', async () => {
    const [name, model] = [fresh('bounded'), parrot()]
    const { runtime_config } = await deployed(name, model, { memory: { turns: 1 } })
    expect(runtime_config).toEqual({ timeout: 300, max_retries: 3, memory: { turns: 1, characters: 32_000 } })
    for (const query of ['one', 'two', 'three']) await say(name, query)
    expect(saidTo(model)).toEqual(['two', 'answer 2', 'three'])
  })

  it.each([
    [{ turns: -1 }, '/runtime_config/memory/turns'],
    [{ turns: 1.5 }, '/runtime_config/memory/turns'],
    [{ turns: 1_001 }, '/runtime_config/memory/turns'],
    [{ characters: '9' }, '/runtime_config/memory/characters'],
    [{ charactres: 9 }, '/runtime_config/memory/charactres'],
    [10, '/runtime_config/memory'],
  ])('has no such setting: %j', async (memory, pointer) => {
    const body = { deployment_name: fresh('wrong'), runtime_config: { memory } }
    const answer = await studio.call('POST', `/api/workflows/${await studio.workflow()}/deploy`, body)
    expect([answer.status, answer.body.errors.map((one: { pointer: string }) => one.pointer)]).toEqual([422, [pointer]])
  })

  it('is not told to a request that says itself what was said', async () => {
    const [name, model] = [fresh('own'), parrot()]
    await deployed(name, model)
    await say(name, 'one')
    expect(await say(name, 'two', { chat_history: [{ actor: 'user', content: 'mine' }] })).toMatchObject({ remembered_turns: 0 })
    expect(saidTo(model)).toEqual(['mine', 'two'])
    for (const none of [[], null]) expect((await say(name, 'three', { chat_history: none })).remembered_turns).toBeGreaterThan(1)
  })

  it('is none when its id is empty', async () => {
    const [name, model] = [fresh('empty'), parrot()]
    await deployed(name, model)
    await say(name, 'one', { session_id: '' })
    expect(await say(name, 'two', { session_id: '' })).toMatchObject({ session_id: null, chat_history: [] })
  })

  it.each([['a\nb'], ['\u0001'], ['x'.repeat(201)], ['\u007f']])('cannot be called %j', async (session_id) => {
    const answer = await studio.execute({ deployment_name: 'hello', query: 'x', session_id })
    expect([answer.status, answer.body.errors[0].pointer]).toEqual([422, '/session_id'])
  })

  it('has one execution at a time; the others are queued, and a cancelled one is skipped', async () => {
    const name = fresh('queue')
    const held = models.held()
    await deployed(name, held.model)
    const ids: string[] = []
    for (const query of ['1', '2', '3']) {
      const { status, body } = await studio.call('POST', '/api/workflows/execute/async', { deployment_name: name, query, session_id: 'q' })
      expect([status, body.status]).toEqual([202, query === '1' ? 'running' : 'queued'])
      ids.push(body.execution_id)
    }
    expect((await studio.call('POST', `/api/executions/${ids[1]}/cancel`)).body).toMatchObject({ status: 'cancelled', started_at: null })
    await until(async () => models.requests(held.model).length === 1, 'the first call')
    held.answer('done')
    const last = await until(async () => {
      const { body } = await studio.call('GET', `/api/executions/${ids[2]}`)
      return body.status === 'completed' && body
    }, 'the last to end')
    expect(last.chat_history).toEqual([
      { role: 'user', content: '1' },
      { role: 'assistant', content: 'done' },
    ])
    expect(models.requests(held.model)).toHaveLength(2)
  })

  it('refuses with 429 what finds a hundred waiting', async () => {
    const name = fresh('full')
    await deployed(name, models.held().model)
    const ask = () => studio.call('POST', '/api/workflows/execute/async', { deployment_name: name, query: 'x', session_id: 'full' })
    const answers = await Promise.all(Array.from({ length: 102 }, ask))
    const refused = answers.filter(({ status }) => status === 429)
    expect(refused.map(({ body }) => body.code)).toEqual(['conversation_busy'])
    expect(refused[0]!.headers.get('retry-after')).toBe('1')
    await studio.call('DELETE', `/api/workflows/deployments/${name}`)
  })

  it('streams, and its stream begins when its turn comes', async () => {
    const [name, model] = [fresh('streamed'), parrot()]
    await deployed(name, model)
    await say(name, 'one')
    const text = await (await studio.stream({ deployment_name: name, query: 'two', session_id: 'chat' })).text()
    expect(text).toContain('"status":"completed"')
    expect(saidTo(model)).toEqual(['one', 'answer 1', 'two'])
  })
})
