import { describe, expect, it } from 'vitest'
import { formsOf } from './forms.ts'

const pem = `-----BEGIN PRIVATE KEY-----
MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEA
q1w2e3r4t5y6u7i8o9p0AzSxDcFvGbHnJmKl+/QwErTy
-----END PRIVATE KEY-----
`
const awkward = 'p&ss "wört"/é+1 %~\\\t!\'(*)'

const spelled = (value: string, spelling: string): boolean => formsOf(value).some((form) => spelling.includes(form))

describe('the forms of a value', () => {
  it.each([
    ['as it is', awkward],
    ['within JSON', JSON.stringify({ a: awkward })],
    ['within JSON in ASCII', String.raw`p&ss \"w\u00f6rt\"/\u00e9+1 %~\\\t!'(*)`],
    ['within JSON that escapes slashes', JSON.stringify(awkward).replaceAll('/', '\\/')],
    ['within JSON within JSON', JSON.stringify(JSON.stringify({ a: awkward }))],
    ['within JSON, four times', [1, 2, 3, 4].reduce((text) => JSON.stringify({ a: text }), awkward)],
    ['in a query', encodeURIComponent(awkward)],
    ['in a form', new URLSearchParams({ a: awkward }).toString()],
    ['in an address', encodeURI(awkward)],
    ['in a strict query', 'p%26ss%20%22w%C3%B6rt%22%2F%C3%A9%2B1%20%25~%5C%09%21%27%28%2A%29'],
    ['in a strict path', 'p%26ss%20%22w%C3%B6rt%22/%C3%A9%2B1%20%25~%5C%09%21%27%28%2A%29'],
    ['in a query with small digits', encodeURIComponent(awkward).replaceAll(/%../g, (escape) => escape.toLowerCase())],
    ['within JSON in a query', encodeURIComponent(JSON.stringify({ a: awkward }))],
    ['within JSON of PHP', String.raw`p&ss \"w\u00f6rt\"\/\u00e9+1 %~\\\t!'(*)`],
    ['within JSON of Go', String.raw`p\u0026ss \"wört\"/é+1 %~\\\t!'(*)`],
    ['within JSON of Gson', String.raw`p\u0026ss \"wört\"/é+1 %~\\\t!\u0027(*)`],
    ['within JSON of ASP.NET', String.raw`p\u0026ss \u0022w\u00F6rt\u0022/\u00E9\u002B1 %~\\\t!\u0027(*)`],
    ['in a query in a query', encodeURIComponent(encodeURIComponent(awkward))],
    ['within base64 of JSON', Buffer.from(JSON.stringify({ key: awkward })).toString('base64url')],
  ])('have it %s', (_where, spelling) => {
    expect(spelled(awkward, spelling)).toBe(true)
  })

  it.each(['s3cr3t-1', 's3cr3t-12', 's3cr3t-123', awkward])('have %s within base64, wherever it begins and ends', (value) => {
    for (const before of ['', 'u', 'us', 'use', 'user:']) {
      for (const after of ['', 'a', 'ab', 'abc']) {
        const bytes = Buffer.from(before + value + after)
        for (const encoding of ['base64', 'base64url'] as const) {
          const encoded = bytes.toString(encoding)
          expect(spelled(value, encoded)).toBe(true)
          expect(spelled(value, encodeURIComponent(encoded))).toBe(true)
        }
      }
    }
  })

  it('have it in lines of base64, as tools print it', () => {
    const key = 'sk-live-'.padEnd(150, 'aB3/')
    for (const [width, end] of [
      [64, '\n'],
      [76, '\n'],
      [76, '\r\n'],
    ] as const) {
      for (const text of [key, `${key}\n`]) {
        const lines = Buffer.from(text)
          .toString('base64')
          .match(new RegExp(`.{1,${width}}`, 'g'))!
        expect(spelled(key, lines.join(end))).toBe(true)
        expect(spelled(key, JSON.stringify({ data: lines.join(end) }))).toBe(true)
      }
    }
  })

  it('have it as a parser of URLs writes it in a host name', () => {
    const { host } = new URL('https://Tenant-AbC123xyz.example.com/')
    expect(spelled('Tenant-AbC123xyz', host)).toBe(true)
  })

  it('leave at most four bits of base64 to be seen at either end', () => {
    const encoded = Buffer.from('user:s3cr3t-1234\n').toString('base64')
    const form = formsOf('s3cr3t-1234').find((one) => encoded.includes(one))!
    const [before, after] = encoded.split(form)
    expect(Buffer.from(before!, 'base64').toString()).toMatch(/^user:?$/)
    expect(Buffer.from(after!.padStart(4, 'A'), 'base64').toString('latin1')).not.toContain('4')
  })

  it('have the lines of a certificate or key, without the armour that all of them share', () => {
    const forms = formsOf(pem)
    expect(forms).toContain(pem.trim())
    expect(forms).toContain('q1w2e3r4t5y6u7i8o9p0AzSxDcFvGbHnJmKl+/QwErTy')
    expect(forms.filter((form) => form.startsWith('-----') && !form.includes('MII'))).toEqual([])
  })

  it('have what is secret within a JSON key file, and not the addresses beside it', () => {
    const file = JSON.stringify({
      type: 'service_account',
      private_key: pem,
      client_email: 'robot@project.example.com',
      auth_uri: 'https://accounts.example.com/o/oauth2/auth',
      nested: [{ refresh_token: '1//0g-refresh-token-of-a-person' }],
    })
    const forms = formsOf(file)
    expect(forms).toContain(pem.trim())
    expect(forms).toContain('MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEA')
    expect(forms).toContain('1//0g-refresh-token-of-a-person')
    for (const harmless of ['service_account', 'robot@project.example.com', 'https://accounts.example.com/o/oauth2/auth'])
      expect(forms).not.toContain(harmless)
  })

  it('take no notice of spaces around the value', () => {
    expect(formsOf('  s3cr3t-value\n')).toEqual(formsOf('s3cr3t-value'))
  })

  it('are none for what is too short to be told from ordinary text', () => {
    expect(formsOf('1234567')).toEqual([])
    expect(formsOf(' 1234567 \n')).toEqual([])
    expect(formsOf('12345678')).toContain('12345678')
  })

  it('are few for a key of letters and digits', () => {
    expect(formsOf('sk-proj-0123456789abcdef').length).toBeLessThanOrEqual(7)
  })

  it('survive half a character', () => {
    expect(formsOf('s3cr3t-\ud800-value').length).toBeGreaterThan(0)
  })
})
