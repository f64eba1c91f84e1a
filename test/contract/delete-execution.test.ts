import { describe, expect, it } from 'vitest'
import { fresh, slow, useStudio } from '../support/studio.ts'

const studio = useStudio()
const nowhere = '01a00000-0000-7000-8000-000000000000'

async function executed(deployment_name: string): Promise<string> {
  const { body } = await studio.execute({ deployment_name, query: 'hello' })
  return body.execution_id
}

describe('DELETE /api/executions/{execution_id}', () => {
  it('answers with a message and the id; from then on there is no such execution, and the statistics stay', async () => {
    const name = fresh('deleted')
    await studio.deployed(name)
    const [gone, kept] = [await executed(name), await executed(name)]
    const answer = await studio.call('DELETE', `/api/executions/${gone}`)
    expect([answer.status, answer.body]).toEqual([200, { message: 'Execution deleted successfully', execution_id: gone }])

    for (const path of ['', '/steps', '/events']) {
      const { status, body } = await studio.call('GET', `/api/executions/${gone}${path}`)
      expect([path, status, body.code]).toEqual([path, 404, 'execution_not_found'])
    }
    for (const [method, path] of [
      ['POST', '/cancel'],
      ['POST', '/resume'],
      ['DELETE', ''],
    ] as const) {
      const { status, body } = await studio.call(method, `/api/executions/${gone}${path}`)
      expect([path, status, body.code]).toEqual([path, 404, 'execution_not_found'])
    }
    const listed = (await studio.call('GET', `/api/executions?deployment_name=${name}`)).body
    expect(listed.map(({ execution_id }: { execution_id: string }) => execution_id)).toEqual([kept])
    expect((await studio.call('GET', `/api/executions/${kept}/steps`)).body).toHaveLength(1)
    expect((await studio.call('GET', `/api/workflows/deployments/${name}`)).body).toMatchObject({ execution_count: 2, error_count: 0 })
  })

  it('refuses one in flight, says to cancel it, and changes nothing; after the cancel it can be deleted', async () => {
    const name = fresh('running')
    await studio.deployed(name, slow)
    const { execution_id, events } = await studio.startLong(name)
    const refused = await studio.call('DELETE', `/api/executions/${execution_id}`)
    expect(refused.status).toBe(409)
    expect(refused.body).toMatchObject({ code: 'execution_running', execution_id, detail: expect.stringContaining('/cancel') })
    expect((await studio.call('GET', `/api/executions/${execution_id}`)).body.status).toBe('running')
    expect((await studio.call('POST', `/api/executions/${execution_id}/cancel`)).status).toBe(200)
    await events
    expect((await studio.call('DELETE', `/api/executions/${execution_id}`)).status).toBe(200)
    expect((await studio.call('GET', `/api/executions?deployment_name=${name}`)).body).toEqual([])
  })

  it('answers 404 for one that there is not, and for what is no id', async () => {
    for (const id of [nowhere, 'x', 'deployments']) {
      const { status, body } = await studio.call('DELETE', `/api/executions/${id}`)
      expect([id, status, body.code]).toEqual([id, 404, 'execution_not_found'])
    }
  })

  it('deletes once when many ask at the same time', async () => {
    const name = fresh('often')
    await studio.deployed(name)
    const id = await executed(name)
    const answers = await Promise.all(Array.from({ length: 20 }, () => studio.call('DELETE', `/api/executions/${id}`)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(answers.filter(({ body }) => body.code === 'execution_not_found')).toHaveLength(19)
  })

  it('is not done over by a request that is repeated with the Idempotency-Key of the deleted one', async () => {
    const name = fresh('keyed')
    await studio.deployed(name)
    const body = { deployment_name: name, query: 'hello' }
    const key = { 'idempotency-key': `"${fresh('key')}"` }
    const first = await studio.call('POST', '/api/workflows/execute', body, key)
    await studio.call('DELETE', `/api/executions/${first.body.execution_id}`)
    const again = await studio.call('POST', '/api/workflows/execute', body, key)
    expect([again.status, again.body.code]).toEqual([404, 'execution_not_found'])
    expect((await studio.call('GET', `/api/executions?deployment_name=${name}`)).body).toEqual([])
  })

  it('stays deleted after a crash', async () => {
    const name = fresh('crashed')
    await studio.deployed(name)
    const id = await executed(name)
    await studio.call('DELETE', `/api/executions/${id}`)
    await studio.crash()
    expect((await studio.call('GET', `/api/executions/${id}`)).status).toBe(404)
    expect((await studio.call('GET', `/api/executions?deployment_name=${name}`)).body).toEqual([])
  })
})
