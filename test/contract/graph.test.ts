import { describe, expect, it } from 'vitest'
import { readEvents, until } from '../support/api.ts'
import { fresh, useStudio } from '../support/studio.ts'

const studio = useStudio()

const step = (step_id: string, step_type: string, config: object = {}, ...dependencies: string[]) => ({
  step_id,
  step_type,
  config,
  dependencies,
})
const asking = {
  steps: [
    step('ok', 'approval', { message: 'Refund {{ input.sum }}?', details: { sum: '{{ input.sum }}' }, deadline: 600 }),
    step('refund', 'transform', { template: 'refunded {{ steps.ok.output.details.sum }}' }, 'ok'),
    step('refuse', 'transform', { template: 'refused: {{ steps.ok.output.comment }}' }),
  ],
  connections: [{ source_step_id: 'ok', target_step_id: 'refuse', source_handle: 'rejected' }],
}

async function start(configuration: object, fields: object = {}): Promise<string> {
  const deployment_name = fresh('graph')
  await studio.deployed(deployment_name, configuration)
  const { body } = await studio.call('POST', '/api/workflows/execute/async', { deployment_name, query: 'go', ...fields })
  return body.execution_id
}

const execution = async (id: string) => (await studio.call('GET', `/api/executions/${id}`)).body
const waiting = (id: string) => until(async () => (await execution(id)).status === 'waiting', 'the wait')
const ended = (id: string) => until(async () => (await execution(id)).ended_at !== null, 'the end')

describe('an approval', () => {
  it('is listed with what is to be decided, and decided once', async () => {
    const id = await start(asking, { input: { sum: 70 } })
    await waiting(id)
    const { body: listed } = await studio.call('GET', '/api/approvals?limit=500')
    const mine = listed.find((one: { execution_id: string }) => one.execution_id === id)
    expect(mine).toMatchObject({ step_id: 'ok', message: 'Refund 70?', details: { sum: 70 }, environment: 'production' })
    expect(Date.parse(mine.deadline) - Date.parse(mine.requested_at)).toBe(600_000)
    const approved = await studio.call('POST', `/api/executions/${id}/approve`, { comment: 'fine' })
    expect([approved.status, approved.body]).toEqual([200, { execution_id: id, step_id: 'ok', decision: 'approved' }])
    await ended(id)
    expect(await execution(id)).toMatchObject({ status: 'completed', response: 'refunded 70' })
    expect(
      (await studio.call('GET', '/api/approvals?limit=500')).body.some((one: { execution_id: string }) => one.execution_id === id),
    ).toBe(false)
    const late = await studio.call('POST', `/api/executions/${id}/reject`, {})
    expect([late.status, late.body.code]).toEqual([409, 'execution_ended'])
  })

  it('that is rejected follows the connection for that, and no other', async () => {
    const id = await start(asking, { input: { sum: 1 } })
    await waiting(id)
    await studio.call('POST', `/api/executions/${id}/reject`, { step_id: 'ok', comment: 'too much' })
    await ended(id)
    expect(await execution(id)).toMatchObject({ status: 'completed', response: 'refused: too much' })
    const { body: steps } = await studio.call('GET', `/api/executions/${id}/steps`)
    expect(steps.map((one: { step_id: string }) => one.step_id)).toEqual(['ok', 'refuse'])
  })

  it('that is asked for twice at once names one of them first', async () => {
    const id = await start({
      steps: [step('a', 'approval'), step('b', 'approval'), step('end', 'transform', { template: 'end' }, 'a', 'b')],
    })
    await waiting(id)
    const unclear = await studio.call('POST', `/api/executions/${id}/approve`, {})
    expect([unclear.status, unclear.body.errors[0].pointer]).toEqual([422, '/step_id'])
    expect((await studio.call('POST', `/api/executions/${id}/approve`, { step_id: 'a' })).status).toBe(200)
    const again = await studio.call('POST', `/api/executions/${id}/approve`, { step_id: 'a' })
    expect([again.status, again.body.code]).toEqual([409, 'approval_decided'])
    const nobody = await studio.call('POST', `/api/executions/${id}/approve`, { step_id: 'end' })
    expect([nobody.status, nobody.body.code]).toEqual([409, 'approval_not_open'])
    await studio.call('POST', `/api/executions/${id}/approve`, { step_id: 'b' })
    await ended(id)
    expect((await execution(id)).status).toBe('completed')
  })

  it('survives a kill of the server, and is decided after it', async () => {
    const id = await start(asking, { input: { sum: 5 } })
    await waiting(id)
    await studio.crash()
    expect((await execution(id)).status).toBe('waiting')
    await studio.call('POST', `/api/executions/${id}/approve`, {})
    await ended(id)
    expect(await execution(id)).toMatchObject({ status: 'completed', response: 'refunded 5', recoveries: 0 })
  })

  it('of nothing that waits, or of no execution, is refused', async () => {
    const id = await start({ steps: [step('w', 'wait', { seconds: 600 })] })
    await waiting(id)
    const nothing = await studio.call('POST', `/api/executions/${id}/approve`, {})
    expect([nothing.status, nothing.body.code]).toEqual([409, 'approval_not_open'])
    const nobody = await studio.call('POST', '/api/executions/00000000-0000-7000-8000-000000000000/approve', {})
    expect([nobody.status, nobody.body.code]).toEqual([404, 'execution_not_found'])
  })
})

describe('a signal', () => {
  it('is handed to the step that waits for it', async () => {
    const id = await start({
      steps: [step('paid', 'signal'), step('end', 'transform', { template: '{{ steps.paid.output.payload.sum }}' }, 'paid')],
    })
    await waiting(id)
    const sent = await studio.call('POST', `/api/executions/${id}/signals/paid`, { payload: { sum: 12 } })
    expect([sent.status, sent.body]).toEqual([200, { execution_id: id, name: 'paid', seq: 1 }])
    await ended(id)
    expect(await execution(id)).toMatchObject({ response: '12' })
  })

  it('has a name of letters, digits, dots, underscores and dashes', async () => {
    const id = await start({ steps: [step('w', 'wait', { seconds: 600 })] })
    for (const name of ['approval:ok', '%20', 'a%2Fb']) {
      expect((await studio.call('POST', `/api/executions/${id}/signals/${name}`, {})).status).toBe(422)
    }
  })
})

describe('a graph over HTTP', () => {
  it('streams the same as it answers with, whatever it ends with', async () => {
    const both = {
      agents: [
        { agent_id: 'a', config: { model: 'demo/echo', prompt: 'A {{ query }}' } },
        { agent_id: 'b', config: { model: 'demo/echo', prompt: 'B {{ query }}' } },
      ],
      steps: [step('begin', 'transform')],
      connections: ['a', 'b'].map((id) => ({ source_step_id: 'begin', target_agent_id: id })),
    }
    const deployment_name = fresh('streamed')
    await studio.deployed(deployment_name, both)
    const events = await readEvents(await studio.stream({ deployment_name, query: 'x' }))
    const last = events.at(-1)!.data
    const text = events.flatMap(({ data }) => (data['type'] === 'content' ? [data['data']] : [])).join('')
    expect(last).toMatchObject({ status: 'completed', response: 'A x\n\nB x' })
    expect(text).toBe(last['response'])
  })

  it('runs another workflow as it was when this one was deployed, and none that would run itself', async () => {
    const name = fresh('inner')
    const inner = await studio.workflow({ steps: [step('t', 'transform', { template: 'v1 {{ input }}' })] }, { name })
    const outer = {
      steps: [
        step('w', 'workflow', { workflow_id: inner, input: '{{ query }}' }),
        step('o', 'output', { template: '<{{ steps.w.output }}>' }, 'w'),
      ],
    }
    const deployment_name = fresh('outer')
    await studio.deployed(deployment_name, outer)
    await studio.call('PUT', `/api/workflows/${inner}`, { configuration: { steps: [step('t', 'transform', { template: 'v2' })] } })
    expect((await studio.execute({ deployment_name, query: 'q' })).body.response).toBe('<v1 q>')
    await studio.call('PUT', `/api/workflows/${inner}`, { configuration: { steps: [step('w', 'workflow', { workflow_id: inner })] } })
    const { body } = await studio.call('POST', `/api/workflows/${inner}/validate`)
    expect(body.errors).toMatchObject([{ code: 'workflow_in_itself', pointer: '/configuration/steps/0/config' }])
  })

  it('is refused when the workflows that it runs multiply, and resolves each of them once', async () => {
    const level = async (inner: string | undefined, count: number) =>
      studio.workflow({
        steps: Array.from({ length: count }, (_, index) =>
          inner === undefined ? step(`t${index}`, 'transform') : step(`w${index}`, 'workflow', { workflow_id: inner }),
        ),
      })
    let innermost: string | undefined
    for (let depth = 0; depth < 4; depth++) innermost = await level(innermost, 10)
    const errorsOf = async (id: string) => (await studio.call('POST', `/api/workflows/${id}/validate`)).body.errors
    expect(await errorsOf(await level(innermost, 1))).toEqual([])
    const many = await level(innermost, 2)
    expect(await errorsOf(many)).toMatchObject([{ code: 'workflow_too_large', pointer: '/configuration/steps/1/config' }])
    const refused = await studio.call('POST', `/api/workflows/${many}/deploy`, { deployment_name: fresh('many') })
    expect([refused.status, refused.body.code]).toEqual([422, 'workflow_invalid'])
  })

  it('counts how deep workflows stand in each other by every way to them', async () => {
    const chain: string[] = []
    const runs = (...inner: string[]) =>
      studio.workflow({ steps: inner.map((id, index) => step(`w${index}`, 'workflow', { workflow_id: id })) })
    chain.push(await studio.workflow({ steps: [step('t', 'transform')] }))
    for (let depth = 2; depth <= 7; depth++) chain.push(await runs(chain.at(-1)!))
    const errorsOf = async (id: string) => (await studio.call('POST', `/api/workflows/${id}/validate`)).body.errors
    expect(await errorsOf(await runs(chain[3]!, chain[6]!))).toEqual([])
    // The shorter way is looked at first.
    expect(await errorsOf(await runs(chain[6]!, await runs(chain[6]!)))).not.toEqual([])
  })

  it('runs code apart from everything, and ends it at its deadline', async () => {
    const deployment_name = fresh('code')
    const source = 'console.log("seen", input.a); return { sum: input.a + steps.one.output, odd: Math.random() < 2 }'
    await studio.deployed(deployment_name, { steps: [step('one', 'transform', { mapping: 1 }), step('c', 'code', { source }, 'one')] })
    const { body } = await studio.execute({ deployment_name, query: 'q', input: { a: 41 } })
    expect(JSON.parse(body.response)).toEqual({ sum: 42, odd: true })
    const events = await readEvents(await fetch(`${studio.url}/api/executions/${body.execution_id}/events`))
    expect(events.map(({ data }) => data)).toContainEqual(expect.objectContaining({ type: 'log', step_id: 'c', lines: ['seen 41'] }))
    const endless = fresh('endless')
    await studio.deployed(endless, { steps: [step('c', 'code', { source: 'for (;;);', timeout: 0.2 })] })
    expect((await studio.execute({ deployment_name: endless, query: 'q' })).body).toMatchObject({
      status: 422,
      code: 'code_timed_out',
      step_id: 'c',
    })
  })

  it('reaches no address that is not public', async () => {
    const deployment_name = fresh('inside')
    await studio.deployed(deployment_name, { steps: [step('h', 'http', { url: `${studio.url}/hc` })] })
    expect((await studio.execute({ deployment_name, query: 'q' })).body).toMatchObject({
      status: 502,
      code: 'address_not_allowed',
      step_id: 'h',
    })
  })

  it('checks what it is given and what its steps give', async () => {
    const schema = { type: 'object', required: ['a'], properties: { a: { type: 'integer' } } }
    const deployment_name = fresh('checked')
    await studio.deployed(deployment_name, {
      input_schema: schema,
      steps: [step('t', 'transform', { mapping: '{{ input.b }}', output_schema: { type: 'string' } })],
    })
    const wrong = await studio.execute({ deployment_name, query: 'q', input: { a: 'x', b: 1 } })
    expect(wrong.body).toMatchObject({ status: 422, code: 'schema_mismatch', errors: [{ pointer: '/a', code: 'wrong_type' }] })
    const gives = await studio.execute({ deployment_name, query: 'q', input: { a: 1, b: 1 } })
    expect(gives.body).toMatchObject({ status: 422, code: 'schema_mismatch', step_id: 't' })
    expect((await studio.execute({ deployment_name, query: 'q', input: { a: 1, b: 'b' } })).body.response).toBe('b')
  })
})
