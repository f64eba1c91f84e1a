import { describe, expect, it } from 'vitest'
import { until } from '../support/api.ts'
import { useExample, type Think } from './example.ts'

const example = useExample('support-desk')

/** The desk hands questions about money over; billing looks the order up, asks to pay it back, and says what came of it. */
const works: Think = ({ system, text, results }) => {
  if (system.startsWith('You welcome')) {
    return /money|refund/.test(text) && results.length === 0
      ? { toolCalls: [{ name: 'transfer_to_billing', arguments: '{"reason":"money"}' }] }
      : { text: `Desk: ${text}` }
  }
  if (system.startsWith('You help')) return { text: 'Technical here.' }
  if (results.length === 1) return { toolCalls: [{ name: 'look_up_order', arguments: '{"order":1002}' }] }
  if (results.length === 2) return { toolCalls: [{ name: 'refund', arguments: '{"order":1002,"amount":180}' }] }
  return { text: `Billing: ${results.at(-1)}` }
}

async function asksToPay(): Promise<string> {
  example.think = works
  const id = await example.start(await example.deploy(), 'I want my money back for order 1002.', { session_id: 'grace' })
  await example.waits(id)
  return id
}

describe('the support desk', () => {
  it('hands over to billing, which pays with the very arguments that a person approved', async () => {
    const id = await asksToPay()
    const approvals = (await example.studio.call('GET', '/api/approvals')).body as { execution_id: string; details: object }[]
    expect(approvals.find(({ execution_id }) => execution_id === id)!.details).toMatchObject({
      tool: 'refund',
      arguments: { order: 1002, amount: 180 },
    })
    expect(await example.outside.received('/refunds')).toEqual([])
    await example.studio.call('POST', `/api/executions/${id}/approve`)
    expect((await example.ended(id)).response).toMatch(/^Billing: .*R-\d+/)
    expect((await example.outside.received('/refunds')).map(({ body }) => body)).toEqual([{ order: 1002, amount: 180 }])
  })

  it('tells billing when the person says no, with the reason, and pays nothing', async () => {
    const id = await asksToPay()
    await example.studio.call('POST', `/api/executions/${id}/reject`, { comment: 'it was used' })
    expect((await example.ended(id)).response).toContain('it was used')
    expect(await example.outside.received('/refunds')).toEqual([])
  })

  it('remembers what was said under a session, over a kill, and nothing of another', async () => {
    example.think = ({ said }) => ({ text: said.join(' | ') })
    const name = await example.deploy()
    const ask = async (session_id: string, query: string) =>
      (await example.studio.execute({ deployment_name: name, session_id, query })).body.response
    expect(await ask('ada', 'My teapot leaks.')).toBe('My teapot leaks.')
    await example.studio.crash()
    expect(await ask('grace', 'Hello?')).toBe('Hello?')
    expect(await ask('ada', 'Still.')).toBe('My teapot leaks. | Still.')
  })

  it('tells billing when there is no such order', async () => {
    example.think = (request) =>
      request.results.length === 2 && request.system.startsWith('You answer') ? { text: `Billing: ${request.results[1]}` } : works(request)
    const name = await example.deploy((json) => json.replace('/orders/{{ arguments.order }}', '/nowhere/{{ arguments.order }}'))
    const { body } = await example.studio.execute({ deployment_name: name, query: 'my money' })
    expect(body.response).toMatch(/^Billing: The tool failed.*404/)
  })

  it('comes to an end when the agents hand over for ever', async () => {
    example.think = ({ tools }) => ({ toolCalls: [{ name: tools.find((name) => name.startsWith('transfer_to_'))!, arguments: '{}' }] })
    const failed = await example.studio.execute({ deployment_name: await example.deploy(), query: 'money' })
    expect([failed.status, failed.body.code]).toEqual([502, 'agent_limit'])
  })

  it('killed while a person is asked, and while the shop pays, hands over, looks up and pays once', async () => {
    const id = await asksToPay()
    const before = example.asked
    await example.studio.crash()
    await example.outside.mood('slow')
    await example.studio.call('POST', `/api/executions/${id}/approve`)
    await until(async () => (await example.outside.received('/refunds')).length === 1, 'the payment to be under way')
    await example.outside.mood('fine')
    await example.studio.crash()
    expect((await example.ended(id)).response).toMatch(/^Billing: .*R-\d+/)
    const keys = (await example.outside.received('/refunds')).map(({ headers }) => headers['idempotency-key'])
    expect(new Set(keys).size).toBe(1)
    expect(example.asked - before).toBe(1)
  })
})
