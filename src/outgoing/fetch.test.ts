import { describe, expect, it } from 'vitest'
import { answering } from '../../test/support/answering-server.ts'
import { createOutgoing, type OutgoingLimits } from './outgoing.ts'

const fetching = (limits?: Partial<OutgoingLimits>) => createOutgoing({ privateAddresses: ['127.0.0.1'] }).fetch(limits)

/** Answers with what it was sent. */
const echoing = () =>
  answering((response, { url }) => {
    if (url === '/elsewhere') response.writeHead(302, { location: '/here' }).end()
    else response.writeHead(201, 'Made', { 'content-type': 'application/json', 'set-cookie': ['a=1', 'b=2'] }).end('{"ok":true}')
  })

describe('a fetch', () => {
  it('gives a Response of the standard', async () => {
    const server = await echoing()
    const response = await fetching()(`${server.url}/x`, { headers: new Headers({ 'X-Mine': 'yes' }) })
    expect(response).toBeInstanceOf(Response)
    expect(response).toMatchObject({ status: 201, ok: true, statusText: 'Made', url: `${server.url}/x`, redirected: false })
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
    expect(await response.json()).toEqual({ ok: true })
    expect(server.requests[0]!.headers).toMatchObject({ 'x-mine': 'yes' })
  })

  const form = new FormData()
  form.set('a', 'b')
  it.each<[string, NonNullable<RequestInit['body']>, string, string]>([
    ['text', 'täxt', 'täxt', 'text/plain;charset=UTF-8'],
    ['bytes', new Uint8Array([104, 105]), 'hi', 'undefined'],
    ['a part of bytes', new Uint8Array([120, 104, 105, 120]).subarray(1, 3), 'hi', 'undefined'],
    ['fields', new URLSearchParams({ a: 'b&c' }), 'a=b%26c', 'application/x-www-form-urlencoded;charset=UTF-8'],
    ['a form', form, 'name="a"\r\n\r\nb', 'multipart/form-data; boundary='],
    ['a blob', new Blob(['hi'], { type: 'text/css' }), 'hi', 'text/css'],
    ['a stream', new Blob(['hi']).stream(), 'hi', 'undefined'],
  ])('sends %s', async (_, body, received, type) => {
    const server = await echoing()
    await fetching()(server.url, { method: 'POST', body })
    expect(server.requests[0]!.body).toContain(received)
    expect(String(server.requests[0]!.headers['content-type'])).toContain(type)
  })

  it('takes a Request, and what is said beside it wins', async () => {
    const server = await echoing()
    const request = new Request(`${server.url}/x`, { method: 'PUT', body: 'hi', headers: { 'x-a': '1', 'content-type': 'text/css' } })
    await fetching()(request.clone())
    await fetching()(request, { method: 'PATCH', headers: { 'x-a': '2' }, body: 'ho' })
    expect(server.requests).toMatchObject([
      { method: 'PUT', url: '/x', body: 'hi', headers: { 'x-a': '1', 'content-type': 'text/css' } },
      { method: 'PATCH', url: '/x', body: 'ho', headers: { 'x-a': '2' } },
    ])
  })

  it('follows redirects, gives them, or refuses them', async () => {
    const server = await echoing()
    const fetch = fetching()
    const url = `${server.url}/elsewhere`
    expect(await fetch(url)).toMatchObject({ status: 201, url: `${server.url}/here`, redirected: true })
    expect(await fetch(url, { redirect: 'manual' })).toMatchObject({ status: 302 })
    await expect(fetch(url, { redirect: 'error' })).rejects.toThrow('The answer is a redirect')
  })

  it('keeps to its limits, and to its signal', async () => {
    const server = await answering((response) => response.end('x'.repeat(2_000)))
    const response = await fetching({ bytes: 1_000 })(server.url)
    await expect(response.text()).rejects.toMatchObject({ error: { code: 'answer_too_large' } })
    const reason = new Error('enough')
    await expect(fetching()(server.url, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    const request = new Request(server.url, { signal: AbortSignal.abort(reason) })
    await expect(fetching()(request)).rejects.toBe(reason)
  })
})
