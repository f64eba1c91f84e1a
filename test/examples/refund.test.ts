import { describe, expect, it } from 'vitest'
import { until } from '../support/api.ts'
import { useExample, type Think } from './example.ts'

const example = useExample('refund')

const reads: Think = ({ text }) => ({ text: JSON.stringify({ order: Number(/\d+/.exec(text)![0]), reason: 'it does not type' }) })

/** The order whose parcel is back. */
async function returned(order: number, fields?: object): Promise<string> {
  example.think = reads
  const id = await example.start(await example.deploy(undefined, fields), `My money for order ${order}, please.`)
  await example.waits(id)
  return id
}

const signal = (id: string) => example.studio.call('POST', `/api/executions/${id}/signals/parcel-returned`, { payload: { weight: 4.2 } })
const decide = (id: string, decision: 'approve' | 'reject', comment: string) =>
  example.studio.call('POST', `/api/executions/${id}/${decision}`, { comment })
const approvals = async () =>
  (await example.studio.call('GET', '/api/approvals')).body as { execution_id: string; message: string; details: object }[]

async function asksFor(id: string): Promise<{ message: string; details: object }> {
  return until(async () => (await approvals()).find(({ execution_id }) => execution_id === id), 'the question')
}

describe('a refund', () => {
  it('of a small sum is paid once the parcel is back, and nobody is asked', async () => {
    const id = await returned(1001)
    expect(await example.outside.received('/refunds')).toEqual([])
    await signal(id)
    expect((await example.ended(id)).response).toMatch(/^Refunded 24.5 for order 1001: R-\d+\.$/)
    expect((await example.outside.received('/refunds')).map(({ body }) => body)).toEqual([{ order: 1001, amount: 24.5 }])
  })

  it('of a large sum is paid when a person approves what it shows', async () => {
    const id = await returned(1002)
    await signal(id)
    const { message, details } = await asksFor(id)
    expect(message).toBe('Refund 180 to Grace?')
    expect(details).toMatchObject({ order: { id: 1002, total: 180 }, reason: 'it does not type' })
    expect(await example.outside.received('/refunds')).toEqual([])
    const answers = await Promise.all([decide(id, 'approve', 'fine with me'), decide(id, 'approve', 'with me too')])
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409])
    expect((await example.ended(id)).response).toMatch(/^Refunded 180 for order 1002/)
    expect((await decide(id, 'reject', 'no')).status).toBe(409)
    expect(await example.outside.received('/refunds')).toHaveLength(1)
  })

  it('is not paid when it is rejected, the parcel does not come, or nobody decides', async () => {
    const id = await returned(1002)
    await signal(id)
    await asksFor(id)
    await decide(id, 'reject', 'it was used')
    expect((await example.ended(id)).response).toBe('Not refunded: it was used.')

    example.think = reads
    const late = await example.start(await example.deploy((json) => json.replace('1209600', '0.05')), 'order 1002')
    expect((await example.ended(late)).response).toBe('Not refunded: the parcel did not come back.')

    const undecided = await example.start(await example.deploy((json) => json.replace('259200', '0.05')), 'order 1002')
    await example.waits(undecided)
    await signal(undecided)
    expect((await example.ended(undecided)).response).toBe('Not refunded: nobody decided in time.')
    expect(await example.outside.received('/refunds')).toEqual([])
  })

  it('that the shop refuses is answered with the reason', async () => {
    const id = await returned(1003)
    await signal(id)
    expect((await example.ended(id)).response).toMatch(/^Not refunded: .*409/)
  })

  it('killed while it waits for the parcel, and for the person, goes on with both', async () => {
    const id = await returned(1002)
    const before = example.asked
    await example.studio.crash()
    await signal(id)
    await asksFor(id)
    await example.studio.crash()
    expect((await asksFor(id)).message).toBe('Refund 180 to Grace?')
    await decide(id, 'approve', 'fine')
    expect((await example.ended(id)).status).toBe('completed')
    expect(example.asked).toBe(before)
    expect((await example.steps(id)).every(([, , attempts]) => attempts === 1)).toBe(true)
    expect(await example.outside.received('/refunds')).toHaveLength(1)
  })

  it('killed while it is being paid, is paid once', async () => {
    const id = await returned(1001)
    await example.outside.mood('slow')
    await signal(id)
    await until(async () => (await example.outside.received('/refunds')).length === 1, 'the payment to be under way')
    await example.outside.mood('fine')
    await example.studio.crash()
    const { response } = await example.ended(id)
    const [first, second] = await example.outside.received('/refunds')
    expect(second!.headers['idempotency-key']).toBe(first!.headers['idempotency-key'])
    // The shop, which heard both, has one of it.
    const paid = await (
      await fetch(`${example.outside.url}/refunds`, { method: 'POST', headers: first!.headers, body: JSON.stringify(first!.body) })
    ).json()
    expect(response).toContain((paid as { refund_id: string }).refund_id)
    expect((await example.steps(id)).filter(([, , attempts]) => attempts > 1)).toEqual([['pay', 'completed', 2]])
  })
})
