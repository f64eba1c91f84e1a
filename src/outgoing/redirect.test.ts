import { describe, expect, it } from 'vitest'
import { OutgoingError } from './outgoing-error.ts'
import { redirectedHop, type Hop } from './redirect.ts'

const hop = (fields: Partial<Hop> = {}): Hop => ({
  url: new URL('https://a.test/x/y?q#'),
  method: 'GET',
  headers: {},
  body: null,
  ...fields,
})
const redirected = (from: Hop, status: number, location: string | string[] | undefined) =>
  redirectedHop(from, { status, headers: { location } }, { origin: 'https://a.test' })

describe('a redirect', () => {
  it.each([
    [301, 'GET', 'GET'],
    [302, 'HEAD', 'HEAD'],
    [303, 'GET', 'GET'],
    [303, 'HEAD', 'HEAD'],
    [301, 'PUT', 'PUT'],
    [302, 'DELETE', 'DELETE'],
    [307, 'POST', 'POST'],
    [308, 'PATCH', 'PATCH'],
  ])('of status %i keeps %s', (status, method, kept) =>
    expect(redirected(hop({ method, body: 'b', headers: { 'content-type': 'text/css' } }), status, '/z')).toMatchObject({
      method: kept,
      body: 'b',
      headers: { 'content-type': 'text/css' },
    }),
  )

  it.each([
    [301, 'POST'],
    [302, 'POST'],
    [303, 'POST'],
    [303, 'PUT'],
    [303, 'DELETE'],
  ])('of status %i makes a GET of a %s, without its body', (status, method) =>
    expect(redirected(hop({ method, body: 'b', headers: { 'content-type': 'text/css', 'x-a': 'b' } }), status, '/z')).toMatchObject({
      method: 'GET',
      body: null,
      headers: { 'x-a': 'b' },
    }),
  )

  it.each([
    ['z', 'https://a.test/x/z'],
    ['/z#part', 'https://a.test/z'],
    ['?p', 'https://a.test/x/y?p'],
    ['//b.test/', 'https://b.test/'],
    ['https://b.test', 'https://b.test/'],
  ])('may be written as %s', (location, url) => expect(redirected(hop(), 302, location)?.url.href).toBe(url))

  it.each(['https://b.test/', 'https://a.test:8443/', 'https://sub.a.test/'])('to %s leaves behind who asked', (location) => {
    const headers = { authorization: 'x', cookie: 'y', 'x-api-key': 'z', accept: 'text/css', 'user-agent': 'u', 'content-type': 'text/css' }
    expect(redirected(hop({ method: 'PUT', headers, body: 'b' }), 307, location)?.headers).toEqual({
      accept: 'text/css',
      'user-agent': 'u',
      'content-type': 'text/css',
    })
  })

  it('from http to https is another server, too', () => {
    const from = hop({ url: new URL('http://a.test/'), headers: { authorization: 'x' } })
    expect(redirected(from, 301, 'https://a.test/')?.headers).toEqual({})
  })

  it.each([
    [200, '/z'],
    [300, '/z'],
    [304, '/z'],
    [305, '/z'],
    [302, undefined],
  ])('is no answer of status %i to %s', (status, location) => expect(redirected(hop(), status, location)).toBeUndefined())

  it.each([
    ['http://a.test/', 'from https to http'],
    ['ftp://a.test/', 'where it leads to cannot be called'],
    ['https://user@a.test/', 'where it leads to cannot be called'],
    ['https://a.test:25/', 'where it leads to cannot be called'],
    ['http://[', 'is no URL'],
    [['/a', '/b'], 'several places'],
  ])('to %s is not followed', (location, message) => {
    expect(() => redirected(hop(), 302, location)).toThrow(OutgoingError)
    expect(() => redirected(hop(), 302, location)).toThrow(message)
  })
})
