import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { App } from './app.ts'
import { sendScriptedPage } from './pages.ts'
import { testApp } from './test-app.ts'

let app: App
beforeAll(async () => {
  ;({ app } = await testApp())
  app.get('/scripted', (_request, reply) => sendScriptedPage(reply, (nonce) => `<script nonce="${nonce}">go()</script>`))
})
afterAll(() => app.close())

/** Of a policy, each directive with its sources. */
async function policyOf(url: string): Promise<Map<string, string[]>> {
  const { headers } = await app.inject(url)
  const directives = String(headers['content-security-policy']).split('; ')
  return new Map(directives.map((directive) => directive.split(' ')).map(([name, ...sources]) => [name!, sources]))
}

test.each(['/hc', '/nope', '/boom', '/docs', '/docs/errors', '/docs/style.css', '/openapi.json', '/%zz', '/stream', '/scripted'])(
  'nothing is put into a frame, guessed to be something else, or embedded by other sites: %s',
  async (url) => {
    const { headers } = await app.inject(url)
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
    })
    const policy = await policyOf(url)
    expect([policy.get('default-src'), policy.get('frame-ancestors')]).toEqual([["'none'"], ["'none'"]])
  },
)

test.each(['/docs', '/docs/errors', '/scripted'])('a page is alone in its window and asks for nothing of the machine: %s', async (url) => {
  const { headers } = await app.inject(url)
  expect(headers['cross-origin-opener-policy']).toBe('same-origin')
  expect(headers['permissions-policy']).toMatch(/camera=\(\).*geolocation=\(\).*microphone=\(\)/)
})

describe('the policy of a page', () => {
  test.each(['/docs', '/docs/errors'])('without a script allows none: %s', async (url) => {
    const policy = await policyOf(url)
    expect([...policy.keys()].filter((name) => /script|connect|worker|font/.test(name))).toEqual([])
    expect(policy.get('style-src')).toEqual(["'self'"])
    expect((await app.inject(url)).body).not.toMatch(/<script|<style| style=| on\w+=/)
  })

  test('with a script allows that one, by a nonce that is never the same', async () => {
    const nonces = new Set<string>()
    for (const _ of [1, 2, 3]) {
      const { headers, body } = await app.inject('/scripted')
      const nonce = /'nonce-([^']+)'/.exec(String(headers['content-security-policy']))![1]!
      expect(Buffer.from(nonce, 'base64').length).toBeGreaterThanOrEqual(16)
      expect(body).toContain(`nonce="${nonce}"`)
      nonces.add(nonce)
    }
    expect(nonces.size).toBe(3)
  })

  test('with a script allows no other, and no other server', async () => {
    const policy = await policyOf('/scripted')
    expect(policy.get('script-src')).toEqual([expect.stringMatching(/^'nonce-/), "'strict-dynamic'"])
    expect(policy.get('connect-src')).toEqual(["'self'"])
    expect([policy.get('base-uri'), policy.get('object-src')]).toEqual([["'none'"], ["'none'"]])
    expect([...policy.values()].flat().filter((source) => /unsafe|\*|https?:/.test(source))).toEqual([])
  })
})
