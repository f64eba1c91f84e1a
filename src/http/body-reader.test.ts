import { PassThrough } from 'node:stream'
import type { IncomingMessage } from 'node:http'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { StudioError } from '../errors.ts'
import { HalfSentBodies } from './body-reader.ts'

interface Reading {
  message: PassThrough
  outcome: Promise<string>
}

const LIMIT = 1_000_000

/** @returns what became of it: the text of the body, or the code of the error */
function read(bodies: HalfSentBodies, headers: Record<string, string> = {}): Reading {
  const message = Object.assign(new PassThrough(), { headers })
  const outcome = new Promise<string>((resolve) => {
    bodies.read(message as unknown as IncomingMessage, LIMIT, (error: StudioError | null, body) =>
      resolve(error?.code ?? body.toString('latin1')),
    )
  })
  return { message, outcome }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('a body', () => {
  it('is what its pieces are, however it is cut', async () => {
    const pieces = fc.array(fc.string({ minLength: 1, maxLength: 5_000, unit: 'binary-ascii' }), { maxLength: 30 })
    await fc.assert(
      fc.asyncProperty(pieces, async (sent) => {
        const { message, outcome } = read(new HalfSentBodies(LIMIT))
        for (const piece of sent) message.write(piece)
        message.end()
        expect(await outcome).toBe(sent.join(''))
      }),
    )
  })

  it('may be as large as its limit, and no larger', async () => {
    for (const [length, code] of [
      [LIMIT, undefined],
      [LIMIT + 1, 'body_too_large'],
    ] as const) {
      const { message, outcome } = read(new HalfSentBodies(10 * LIMIT))
      for (let sent = 0; sent < length; sent += 10_000) message.write(Buffer.alloc(Math.min(10_000, length - sent), 'x'))
      message.end()
      expect(await outcome).toBe(code ?? 'x'.repeat(LIMIT))
    }
  })

  it('that says that it is too large is not waited for', async () => {
    expect(await read(new HalfSentBodies(LIMIT), { 'content-length': String(LIMIT + 1) }).outcome).toBe('body_too_large')
  })

  it('that comes in crumbs is refused, and one in small pieces is not', async () => {
    const crumbs = read(new HalfSentBodies(LIMIT))
    for (let sent = 0; sent < 20_000; sent++) crumbs.message.write('x')
    expect(await crumbs.outcome).toBe('body_fragmented')

    const pieces = read(new HalfSentBodies(LIMIT))
    for (let sent = 0; sent < 10_000; sent++) pieces.message.write('x'.repeat(70))
    pieces.message.end()
    expect((await pieces.outcome).length).toBe(700_000)
  })

  it('that breaks off is no fault', async () => {
    const { message, outcome } = read(new HalfSentBodies(LIMIT))
    message.write('x')
    message.destroy(new Error('aborted'))
    expect(await outcome).toBe('malformed_request')
  })
})

describe('bodies that are half here', () => {
  const half = (bodies: HalfSentBodies, bytes: number): Reading => {
    const reading = read(bodies)
    for (let sent = 0; sent < bytes; sent += 20_000) reading.message.write(Buffer.alloc(20_000, 'x'))
    return reading
  }

  it('take so much together, and then those give way that began first', async () => {
    const bodies = new HalfSentBodies(150_000)
    const slow = half(bodies, 100_000)
    await turn()
    const others = [half(bodies, 80_000), half(bodies, 80_000)]
    await turn()
    expect(await slow.outcome).toBe('request_timeout')
    for (const { message } of others) message.end()
    expect((await Promise.all(others.map(({ outcome }) => outcome))).map(({ length }) => length)).toEqual([80_000, 80_000])
  })

  it('take nothing any more once they are whole, or have failed', async () => {
    const bodies = new HalfSentBodies(700_000)
    for (let round = 0; round < 50; round++) {
      const whole = half(bodies, 200_000)
      whole.message.end()
      expect((await whole.outcome).length).toBe(200_000)
      const broken = half(bodies, 200_000)
      await turn()
      broken.message.destroy(new Error('aborted'))
      expect(await broken.outcome).toBe('malformed_request')
    }
  })

  it('include one that alone takes too much', async () => {
    expect(await half(new HalfSentBodies(100_000), 400_000).outcome).toBe('request_timeout')
  })
})
