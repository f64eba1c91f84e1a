import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BadFrame, encodeFrame, FrameReader } from './frames.js'

const limits = { head: 1_000, body: 1_000 }

function readerInto(frames: { head: unknown; body: string }[]): FrameReader {
  return new FrameReader(limits, (head, body) => frames.push({ head, body: body.toString('hex') }))
}

describe('frames', () => {
  it('come out as they went in, in whatever pieces they arrive', () => {
    const frame = fc.record({
      head: fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 1 }), { maxKeys: 3 }),
      body: fc.uint8Array({ maxLength: 300 }),
    })
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 5 }), fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1 }), (frames, lengths) => {
        const bytes = Buffer.concat(frames.flatMap(({ head, body }) => encodeFrame(head, body)))
        const read: { head: unknown; body: string }[] = []
        const reader = readerInto(read)
        for (let begin = 0, turn = 0; begin < bytes.length; turn++) {
          const end = begin + lengths[turn % lengths.length]!
          reader.take(bytes.subarray(begin, end))
          begin = end
        }
        const expected = frames.map(({ head, body }) => ({
          head: JSON.parse(JSON.stringify(head)),
          body: Buffer.from(body).toString('hex'),
        }))
        expect(read).toEqual(expected)
      }),
    )
  })

  it.each([
    ['head', [1_001, 0]],
    ['body', [2, 1_001]],
  ])('whose %s is too long are refused before they have arrived', (_, [head, body]) => {
    const lengths = Buffer.alloc(8)
    lengths.writeUInt32BE(head!, 0)
    lengths.writeUInt32BE(body!, 4)
    const read: { head: unknown; body: string }[] = []
    expect(() => readerInto(read).take(lengths)).toThrow(BadFrame)
    expect(read).toEqual([])
  })

  it('whose head is not JSON are refused', () => {
    const bytes = Buffer.from([0, 0, 0, 2, 0, 0, 0, 0, 0x7b, 0x7b])
    expect(() => readerInto([]).take(bytes)).toThrow(BadFrame)
  })
})
