import { describe, expect, it } from 'vitest'
import { until } from '../support/api.ts'
import { useExample, type Think } from './example.ts'

const example = useExample('order-triage')

/** Sorts by the word, and answers with what it was told of the order. */
const sorts: Think = ({ system, text }) =>
  system.startsWith('You sort')
    ? {
        text: JSON.stringify({
          category: /delivery|refund|complaint/.exec(text)?.[0] ?? 'other',
          order: Number(/\d+/.exec(text)?.[0] ?? 0),
        }),
      }
    : { text: `Told: ${/"status":"(\w+)"/.exec(text)?.[1]}` }

describe('order triage', () => {
  it('answers a question about a delivery with what the shop says of the order', async () => {
    example.think = sorts
    const name = await example.deploy()
    const { body } = await example.studio.execute({ deployment_name: name, query: 'When does the delivery of order 1001 come?' })
    expect(body).toMatchObject({ status: 'success', response: 'Told: sent' })
    expect(await example.steps(body.execution_id)).toEqual([
      [':variables', 'completed', 1],
      ['triage#1', 'completed', 1],
      ['kind', 'completed', 1],
      ['order', 'completed', 1],
      ['answer#1', 'completed', 1],
    ])
  })

  it('sends everything else to people, and asks neither the shop nor the second agent', async () => {
    example.think = sorts
    const name = await example.deploy()
    const before = example.asked
    for (const [query, response] of [
      ['A complaint about order 1001.', 'Somebody will look at your message. We sorted it as: complaint.'],
      ['Where is the delivery of my order?', 'Somebody will look at your message. We sorted it as: delivery.'],
    ]) {
      expect((await example.studio.execute({ deployment_name: name, query })).body).toMatchObject({ response })
    }
    expect(example.asked - before).toBe(2)
  })

  it('answers all the same where there is no such order, or no shop', async () => {
    example.think = sorts
    const name = await example.deploy(undefined, { runtime_config: { max_retries: 0 } })
    const unknown = await example.studio.execute({ deployment_name: name, query: 'delivery of 7' })
    expect(unknown.body.response).toBe('We cannot find order 7 just now. Somebody will look at your message.')
    await example.outside.mood('broken')
    const closed = await example.studio.execute({ deployment_name: name, query: 'delivery of 1001' })
    expect(closed.body.response).toBe('We cannot find order 1001 just now. Somebody will look at your message.')
    const [, , , order] = await example.steps(closed.body.execution_id)
    expect(order).toEqual(['order', 'failed', 1])
  })

  it('fails with the reason when the first agent never says what it is to say', async () => {
    example.think = () => ({ text: 'I would rather not.' })
    const failed = await example.studio.execute({ deployment_name: await example.deploy(), query: 'delivery of 1001' })
    expect([failed.status, failed.body.code, failed.body.step_id]).toEqual([502, 'structured_output_invalid', 'triage#3'])
  })

  it('killed while the second agent speaks, sorts and fetches nothing again', async () => {
    const { promise: never } = Promise.withResolvers<{ text: string }>()
    let holds = true
    let answers = 0
    example.think = (request) => {
      if (request.system.startsWith('You sort')) return sorts(request)
      answers++
      return holds ? never : sorts(request)
    }
    const id = await example.start(await example.deploy(), 'When does the delivery of order 1001 come?')
    await until(async () => answers === 1, 'the second agent to be asked')
    const before = example.asked
    holds = false
    // A shop that would not answer any more is not asked.
    await example.outside.mood('broken')
    await example.studio.crash()
    expect(await example.ended(id)).toMatchObject({ status: 'completed', response: 'Told: sent', recoveries: 1 })
    expect(example.asked - before).toBe(1)
    expect((await example.steps(id)).map(([step, , attempts]) => [step, attempts])).toEqual([
      [':variables', 1],
      ['triage#1', 1],
      ['kind', 1],
      ['order', 1],
      ['answer#1', 2],
    ])
  })
})
