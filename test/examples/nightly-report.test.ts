import { createHmac } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { until } from '../support/api.ts'
import { useExample } from './example.ts'

const example = useExample('nightly-report')

beforeAll(async () => {
  const { studio, outside } = example
  await studio.call('PUT', '/api/variables/production/REPORT_HOOK', { value: `${outside.url}/hooks` })
  await studio.call('PUT', '/api/secrets/production/SHOP_TOKEN', { value: 'a-token-of-the-shop' })
  await studio.call('PUT', '/api/secrets/production/REPORT_SIGNING', { value: `whsec_${Buffer.from('a signing key').toString('base64')}` })
})

const report = 'Sales: 493.5, most of them lamp.\n- lamp: 240\n- typewriter: 180\n- teapot: 73.5\nLamps!'

describe('the nightly report', () => {
  it('adds up the sales and sends what it found, signed', async () => {
    example.think = () => ({ text: 'Lamps!' })
    const { body } = await example.studio.execute({ deployment_name: await example.deploy(), query: 'go' })
    expect(body).toMatchObject({ status: 'success', response: report })
    const [hook, ...more] = await example.outside.received('/hooks')
    expect(more).toEqual([])
    expect(hook!.body).toMatchObject({ type: 'report.nightly', data: { total: 493.5, text: report } })
    const { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signature } = hook!.headers
    const signed = createHmac('sha256', 'a signing key')
      .update(`${id}.${at}.${JSON.stringify(hook!.body)}`)
      .digest('base64')
    expect(signature).toBe(`v1,${signed}`)
  })

  it('is not deployed to an environment that lacks what it needs, and says what that is', async () => {
    await expect(example.deploy(undefined, { environment: 'development' })).rejects.toThrow(
      /SHOP_TOKEN[\s\S]*REPORT_SIGNING|REPORT_SIGNING[\s\S]*SHOP_TOKEN/,
    )
  })

  it('says so when there are no sales to be had, and sends nothing', async () => {
    const name = await example.deploy(undefined, { runtime_config: { max_retries: 0 } })
    await example.outside.mood('broken')
    const { body } = await example.studio.execute({ deployment_name: name, query: 'go' })
    expect(body.response).toMatch(/^There is no report: .*503/)
    expect(await example.outside.received()).toEqual([])
  })

  it('that the receiver did not take is sent later, and nothing is fetched or said again', async () => {
    const name = await example.deploy(undefined, { runtime_config: { max_retries: 0 } })
    let said = 0
    example.think = async () => {
      said++
      // From here on nobody takes anything.
      await example.outside.mood('broken')
      return { text: 'Lamps!' }
    }
    const failed = await example.studio.execute({ deployment_name: name, query: 'go' })
    expect([failed.status, failed.body.code, failed.body.step_id]).toEqual([502, 'http_step_failed', 'send'])
    await example.outside.mood('fine')
    const { execution_id } = failed.body
    await example.studio.call('POST', `/api/executions/${execution_id}/resume`)
    expect(await example.ended(execution_id)).toMatchObject({ status: 'completed', response: report })
    expect(said).toBe(1)
    const hooks = await example.outside.received('/hooks')
    expect(new Set(hooks.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
    expect(hooks).toHaveLength(2)
  })

  it('killed while it is being sent, is sent again under the same id, and not made again', async () => {
    let said = 0
    example.think = async () => {
      said++
      await example.outside.mood('slow')
      return { text: 'Lamps!' }
    }
    const id = await example.start(await example.deploy(), 'go')
    await until(async () => (await example.outside.received('/hooks')).length === 1, 'the webhook to be under way')
    await example.outside.mood('fine')
    await example.studio.crash()
    expect(await example.ended(id)).toMatchObject({ status: 'completed', response: report, recoveries: 1 })
    const [first, second, ...more] = await example.outside.received('/hooks')
    expect(second!.headers['webhook-id']).toBe(first!.headers['webhook-id'])
    expect(more).toEqual([])
    expect(said).toBe(1)
    expect((await example.steps(id)).filter(([, , attempts]) => attempts > 1)).toEqual([['send', 'completed', 2]])
  })
})
