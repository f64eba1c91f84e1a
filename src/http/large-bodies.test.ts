import { afterEach, expect, it } from 'vitest'
import { until } from '../../test/support/api.ts'
import type { App } from './app.ts'
import { listen, testApp } from './test-app.ts'
import { Type } from './type.ts'

let app: App
afterEach(() => app.close())

it('large bodies take so much together until they are answered, and others are refused meanwhile, but for small ones', async () => {
  const waiting: (() => void)[] = []
  ;({ app } = await testApp({ limits: { largeBodyBytes: 250_000 } }))
  app.post('/slow', { schema: { body: Type.Object({ text: Type.String() }) } }, () => {
    return new Promise((resolve) => waiting.push(() => resolve({ ok: true })))
  })
  const port = await listen(app)
  const send = async (bytes: number): Promise<number> => {
    const response = await fetch(`http://127.0.0.1:${port}/slow`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text: 'x'.repeat(bytes) }),
    })
    await response.text()
    return response.status
  }
  for (let round = 0; round < 3; round++) {
    const large = [send(100_000), send(100_000)]
    await until(async () => waiting.length === 2, 'both to be taken')
    expect(await send(100_000)).toBe(503)
    const small = send(60_000)
    await until(async () => waiting.length === 3, 'the small one to be taken')
    for (const answer of waiting.splice(0)) answer()
    expect(await Promise.all([...large, small])).toEqual([200, 200, 200])
  }
})
