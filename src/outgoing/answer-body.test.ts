import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AnswerBody, type BodyLimit } from './answer-body.ts'
import { AnswerTooLarge } from './answer-too-large.ts'

/** An inflow that remembers what it was told. */
function bodyWith(limit: Partial<BodyLimit> = {}) {
  const told: string[] = []
  const inflow = {
    pause: () => void told.push('pause'),
    resume: () => void told.push('resume'),
    stop: () => void told.push('stop'),
    translate: (error: Error) => error,
  }
  const whole: BodyLimit = { bytes: 1_000_000, line: 1_000_000, beyond: 'failure', ...limit }
  const body = new AnswerBody(inflow, whole, () => void told.push('done'))
  const reader = body.stream.getReader()
  const read = async (): Promise<string | undefined> => {
    const { done, value } = await reader.read()
    return done ? undefined : Buffer.from(value).toString('latin1')
  }
  const rest = async (): Promise<string[]> => {
    const pieces: string[] = []
    for (let piece = await read(); piece !== undefined; piece = await read()) pieces.push(piece)
    return pieces
  }
  return { body, told, read, rest, reader }
}
const bytes = (text: string) => Buffer.from(text, 'latin1')

/** How often the event loop has come around, so that anybody else could have done something. */
function countTurns() {
  const count = { turns: 0 }
  const turn = () => {
    count.turns++
    timer = setImmediate(turn)
  }
  let timer = setImmediate(turn)
  return { count, stop: () => clearImmediate(timer) }
}

describe('the body of an answer', () => {
  it('is what came, however it was cut', async () => {
    const chunk = fc.oneof(fc.string({ maxLength: 20 }), fc.constantFrom('\n', '\r\n', '\r', 'data: x\n\n', 'y'.repeat(20_000)))
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(chunk, fc.boolean()), { maxLength: 30 }), async (chunks) => {
        const { body, rest } = bodyWith()
        const received = rest()
        for (const [text, pause] of chunks) {
          body.take(Buffer.from(text))
          if (pause) await new Promise(setImmediate)
        }
        body.end()
        expect((await received).join('')).toBe(chunks.map(([text]) => Buffer.from(text).toString('latin1')).join(''))
      }),
    )
  })

  it('goes on in one piece where it came in several at once', async () => {
    const { body, read } = bodyWith()
    const first = read()
    for (const part of ['data: a\n\n', 'data: b\n\n', 'data: c\n\n']) body.take(bytes(part))
    expect(await first).toBe('data: a\n\ndata: b\n\ndata: c\n\n')
  })

  it('keeps a line until it is complete', async () => {
    const { body, read } = bodyWith()
    const first = read()
    body.take(bytes('data: a\n\ndata: b'))
    expect(await first).toBe('data: a\n\n')
    const second = read()
    body.take(bytes('c'))
    await new Promise(setImmediate)
    body.take(bytes('d\r'))
    expect(await second).toBe('data: bcd\r')
  })

  it('gives out the last line without its end', async () => {
    const { body, rest } = bodyWith()
    body.take(bytes('a\nb'))
    body.end()
    expect((await rest()).join('')).toBe('a\nb')
  })

  it('comes in slices, between which the event loop comes around', async () => {
    const { body, rest, read } = bodyWith()
    body.take(bytes('data: x\n\n'.repeat(10_000)))
    body.end()
    const { count, stop } = countTurns()
    const first = await read()
    const pieces = [first!, ...(await rest())]
    stop()
    expect(pieces.length).toBeGreaterThan(4)
    expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThanOrEqual(16_384)
    expect(pieces.every((piece) => piece.endsWith('\n'))).toBe(true)
    expect(count.turns).toBeGreaterThanOrEqual(pieces.length - 1)
  })

  it('gives out a line that is longer than a slice whole, and not what follows it', async () => {
    const { body, read } = bodyWith()
    const line = `data: ${'x'.repeat(50_000)}\n`
    body.take(bytes(`${line}data: y\n`))
    expect(await read()).toBe(line)
    expect(await read()).toBe('data: y\n')
  })

  it('holds its source back while nobody reads, and lets it go on', async () => {
    const { body, told, read } = bodyWith()
    const line = `${'x'.repeat(9_999)}\n`
    for (let taken = 0; taken < 6; taken++) body.take(bytes(line))
    expect(told).toEqual([])
    body.take(bytes(line))
    expect(told).toEqual(['pause'])
    for (let given = 0; given < 4; given++) await read()
    expect(told).toEqual(['pause', 'resume'])
  })

  it('that is cancelled stops its source', async () => {
    const { body, told, reader } = bodyWith()
    body.take(bytes('a\n'))
    await reader.cancel()
    body.take(bytes('b\n'))
    body.end()
    expect(told).toEqual(['done', 'stop'])
  })
})

describe('more than the limit', () => {
  it('is a failure of an answer', async () => {
    const { body, told, read } = bodyWith({ bytes: 10 })
    body.take(bytes('12345\n'))
    expect(await read()).toBe('12345\n')
    body.take(bytes('12345\n'))
    await expect(read()).rejects.toThrow(AnswerTooLarge)
    expect(told).toEqual(['done', 'stop'])
  })

  it('is left out where only the beginning counts', async () => {
    const { body, told, rest } = bodyWith({ bytes: 10, beyond: 'of no interest' })
    body.take(bytes('12345\n'))
    body.take(bytes('6789abc\n'))
    body.fail(new Error('the connection was closed'))
    expect((await rest()).join('')).toBe('12345\n6789')
    expect(told).toEqual(['stop', 'done'])
  })

  it('of one line is a failure, in however small parts it comes', async () => {
    const { body, read } = bodyWith({ line: 1_000 })
    body.take(bytes(`${'x'.repeat(999)}\n`))
    const first = read()
    for (let taken = 0; taken < 1_000; taken++) body.take(bytes('y'))
    expect(await first).toHaveLength(1_000)
    body.take(bytes('y'))
    await expect(read()).rejects.toThrow('A line of the answer is longer than 1000 bytes')
  })
})
