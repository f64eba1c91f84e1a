import { describe, expect, it } from 'vitest'
import { systemLookup } from './lookup.ts'

const signal = new AbortController().signal

describe('the system’s look-up', () => {
  it('finds what every program of this machine does', async () => {
    const addresses = (await systemLookup('localhost', signal)).map(({ address }) => address)
    expect(addresses.filter((address) => !['127.0.0.1', '::1'].includes(address))).toEqual([])
    expect(addresses.length).toBeGreaterThan(0)
  })

  it('is as good for many at once', async () => {
    const found = await Promise.all(Array.from({ length: 20 }, () => systemLookup('localhost', signal)))
    expect(found.every((addresses) => addresses.length > 0)).toBe(true)
  })

  it('does not ask for whoever has given up before its turn', async () => {
    const reason = new Error('enough')
    await expect(systemLookup('localhost', AbortSignal.abort(reason))).rejects.toBe(reason)
    expect(await systemLookup('localhost', signal)).not.toEqual([])
  })

  it('says which names there are not', async () => {
    await expect(systemLookup('no such name', signal)).rejects.toMatchObject({ code: expect.stringMatching(/^E/) })
  })
})
