import { describe, expect, it } from 'vitest'
import { ModelFailed } from '../errors.ts'
import { Scrubber } from '../secrets/scrubber.ts'
import { nothingToHide } from '../secrets/secrets.ts'
import { Mask } from './mask.ts'

const scrubber = Scrubber.of(['s3cr3t-value'])
const mask = new Mask({ ready: () => undefined, of: (environment) => (environment === 'production' ? scrubber : undefined) }, 'production')
const none = new Mask(nothingToHide, 'production')

describe('a mask', () => {
  it('passes on what has nothing to hide as it is', () => {
    const value = { a: ['plain'] }
    for (const one of [mask, none]) {
      expect(one.of(value)).toBe(value)
      expect(one.of(undefined)).toBeUndefined()
      expect(one.of(null)).toBeNull()
      expect(one.of('')).toBe('')
      expect(one.of(0)).toBe(0)
    }
  })

  it('hides in the details of an error, and so in its message, and leaves the code', () => {
    const error = new ModelFailed({ model: 'openai/x', reason: 'No: s3cr3t-value.', step_id: 'a#1' })
    const masked = mask.error(error)
    expect(masked).toBeInstanceOf(ModelFailed)
    expect(masked).toMatchObject({
      code: 'model_failed',
      details: { reason: 'No: [hidden].' },
      message: expect.not.stringContaining('s3cr3t'),
    })
    const plain = new ModelFailed({ model: 'openai/x', reason: 'No.' })
    expect(mask.error(plain)).toBe(plain)
  })

  it('holds text back only where there is something to hide', () => {
    const [stream, free] = [mask.stream(), none.stream()]
    expect([stream.push('a s3cr'), stream.push('3t-value b s'), stream.end()]).toEqual(['a ', '[hidden] b ', 's'])
    expect([free.push('a s3cr'), free.push('3t-value b s'), free.end()]).toEqual(['a s3cr', '3t-value b s', ''])
  })

  it('hides in a stream what becomes known before its first piece', () => {
    let known: Scrubber | undefined
    const stream = new Mask({ ready: () => undefined, of: () => known }, 'production').stream()
    known = scrubber
    expect(stream.push('s3cr3t-value')).toBe('[hidden]')
  })
})
