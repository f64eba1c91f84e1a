import type { FastifyRequest } from 'fastify'
import { describe, expect, test } from 'vitest'
import { testApp } from './test-app.ts'
import { trustedProxies } from './trusted-proxies.ts'

describe('a list of proxies', () => {
  test.each([
    ['10.0.0.1', ['10.0.0.1', '::ffff:10.0.0.1', '::ffff:a00:1'], ['10.0.0.2', '::1', '']],
    ['10.0.0.0/8', ['10.255.0.1'], ['11.0.0.1']],
    ['fd00::/8', ['fd12::1'], ['fe80::1', '10.0.0.1']],
    ['[::1]', ['::1', '0:0::1'], ['::2', '127.0.0.1']],
  ])('trusts %s and nobody else', (entry, trusted, others) => {
    const trusts = trustedProxies(['192.0.2.1', entry])
    for (const _ of ['first', 'again']) {
      expect(trusted.filter((address) => !trusts(address))).toEqual([])
      expect(others.filter(trusts)).toEqual([])
    }
  })

  test.each(['proxy.internal', '10.0.0.0/33', '10.0.0.1:80', '127.1', '*'])('cannot have %s in it', (entry) =>
    expect(() => trustedProxies([entry])).toThrow(`'${entry}' is neither an address`),
  )
})

describe('behind a proxy', () => {
  /** What the app takes a request for that comes from 127.0.0.1. */
  async function seen(proxies: string[], headers: Record<string, string>) {
    const { app } = await testApp(proxies.length > 0 ? { trustProxy: trustedProxies(proxies) } : {})
    const about = ({ ip, host, protocol }: FastifyRequest) => ({ ip, host, protocol })
    app.route({ method: ['GET', 'POST'], url: '/about', handler: async (request) => about(request) })
    const answer = (method: 'GET' | 'POST') => app.inject({ method, url: '/about', headers: { host: 'localhost:8000', ...headers } })
    const [got, posted] = [await answer('GET'), await answer('POST')]
    await app.close()
    return { ...got.json(), status: posted.statusCode }
  }
  const forwarded = { 'x-forwarded-for': '203.0.113.9, 198.51.100.7', 'x-forwarded-proto': 'https', 'x-forwarded-host': 'studio.example' }

  test('that is not trusted a request comes from the proxy, whatever it says', async () => {
    const expected = { ip: '127.0.0.1', host: 'localhost:8000', protocol: 'http' }
    expect(await seen([], forwarded)).toMatchObject(expected)
    expect(await seen(['10.0.0.1'], forwarded)).toMatchObject(expected)
  })

  test('that is trusted it comes from where the proxy says that it does, and no further', async () => {
    expect(await seen(['127.0.0.1'], forwarded)).toMatchObject({ ip: '198.51.100.7', host: 'studio.example', protocol: 'https' })
    expect(await seen(['127.0.0.1', '198.51.100.0/24'], forwarded)).toMatchObject({ ip: '203.0.113.9' })
  })

  test('that is trusted the Host that it was asked for must be ours', async () => {
    expect(await seen(['127.0.0.1'], { 'x-forwarded-host': 'evil.example' })).toMatchObject({ code: 'unknown_host' })
    expect(await seen([], { 'x-forwarded-host': 'evil.example' })).toMatchObject({ host: 'localhost:8000' })
    expect(await seen(['127.0.0.1'], { 'x-forwarded-host': 'evil.example, studio.example' })).toMatchObject({ host: 'studio.example' })
  })

  test('that is trusted a page of ours is one of the Host that it was asked for', async () => {
    const from = (origin: string) => ({ origin, 'x-forwarded-host': 'studio.example', 'x-forwarded-proto': 'https' })
    expect(await seen(['127.0.0.1'], from('https://studio.example'))).toMatchObject({ status: 200 })
    expect(await seen(['127.0.0.1'], from('http://localhost:8000'))).toMatchObject({ status: 403 })
    expect(await seen([], from('https://studio.example'))).toMatchObject({ status: 403 })
  })
})
