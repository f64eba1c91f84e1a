import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { errorCatalogue } from '../errors.ts'
import type { App } from './app.ts'
import { errorsPage } from './errors-page.ts'
import { schemaAt } from './json-schema.ts'
import type { JsonSchema } from './json-schema.ts'
import { anchor, renderMarkdown } from './markdown.ts'
import type { OpenApiDocument } from './openapi.ts'
import { testApp } from './test-app.ts'

let app: App
beforeAll(async () => ({ app } = await testApp()))
afterAll(() => app.close())

test('GET /hc says ok', async () => {
  const response = await app.inject('/hc')
  expect([response.statusCode, response.body]).toEqual([200, '{"status":"ok"}'])
})

describe('/openapi.json', () => {
  let document: OpenApiDocument
  beforeAll(async () => {
    document = (await app.inject('/openapi.json')).json()
  })

  test('describes every route that has a name, and no other', () => {
    expect(document).toMatchObject({ openapi: '3.1.0', info: { title: 'Agent Studio', version: '1.2.3' } })
    expect(Object.keys(document.paths).toSorted()).toEqual(['/hc', '/named/{name}', '/openapi.json', '/search', '/things'])
  })

  test('has no reference that leads nowhere, and no marker of TypeBox', () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, target]) => target!)
    expect(references.length).toBeGreaterThan(0)
    for (const target of references) expect(schemaAt(document as JsonSchema, target), target).toBeDefined()
    expect(JSON.stringify(document)).not.toContain('"~')
  })

  test('names and summarises each operation, declares its path parameters and its problems', () => {
    const operations = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.values(item).map((operation) => ({ path, ...operation })),
    )
    for (const { path, operationId, summary, parameters = [], responses } of operations) {
      expect([operationId, summary]).toEqual([expect.any(String), expect.any(String)])
      const declared = parameters.filter((one) => one.in === 'path').map((one) => one.name)
      expect(declared).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name))
      expect(responses['default']).toEqual({ $ref: '#/components/responses/Problem' })
    }
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length)
  })
})

describe('/docs', () => {
  test('shows each operation under an anchor, with an example for the address that was asked', async () => {
    const response = await app.inject({ url: '/docs', headers: { host: 'studio.example:8000' } })
    expect(response.headers['content-type']).toBe('text/html; charset=utf-8')
    for (const id of ['createThing', 'search', 'named', 'getHealth']) expect(response.body).toContain(`<article id="${id}">`)
    expect(response.body).toContain('http://studio.example:8000/things')
  })

  test('asks nobody else for anything, and has no script', async () => {
    for (const url of ['/docs', '/docs/errors']) {
      const { body, headers } = await app.inject(url)
      expect(headers['content-security-policy']).toContain("default-src 'none'")
      expect(body).not.toMatch(/<script|<style|\son\w+=|style="/i)
      const loaded = [...body.matchAll(/(?:src|<link[^>]* href)="([^"]+)"/g)].map(([, target]) => target)
      expect(loaded.filter((target) => target !== '/docs/style.css' && target !== 'data:,')).toEqual([])
    }
    expect((await app.inject('/docs/style.css')).body).not.toMatch(/@import|url\(/)
  })

  test('has each error code where the type of a problem points', async () => {
    const { body } = await app.inject('/docs/errors')
    for (const { code } of errorCatalogue()) expect(body).toContain(`id="${code}"`)
    expect(errorsPage('# Errors\n\n## `malformed_body`\n\nSee [it](https://example.org).').text).toContain('id="malformed_body"')
  })
})

describe('Markdown', () => {
  test.each([
    ['## `a_code` & more', '<h2 id="a_code-more"><a class="anchor" href="#a_code-more"><code>a_code</code> &#38; more</a></h2>'],
    ['one\ntwo\n\nthree', '<p>one two</p>\n<p>three</p>'],
    ['`<b>` **x** [y](/z) <i>', '<p><code>&#60;b&#62;</code> <strong>x</strong> <a href="/z">y</a> &#60;i&#62;</p>'],
    ['[bad](javascript:alert(1))', '<p>[bad](javascript:alert(1))</p>'],
    ['- a\n  more\n- b', '<ul><li>a more</li><li>b</li></ul>'],
    ['1. a', '<ol><li>a</li></ol>'],
    ['```sh\na | b\n```', '<pre><code>a | b</code></pre>'],
    ['| a | b |\n|---|---|\n| 1 \\| 2 | `x` |', '<th>a</th>'],
    ['#\n#x\n|', '<p># #x</p>'],
    ['```\nnever closed', '<pre><code>never closed</code></pre>'],
  ])('%j', (source, expected) => {
    expect(renderMarkdown(source).text).toContain(expected)
  })

  test('an anchor is what a link to a heading is on other renderers', () => {
    expect(anchor('`model_failed` — Why?')).toBe('model_failed-why')
  })
})
