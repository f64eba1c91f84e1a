import { createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import { answering, listening } from '../../test/support/answering-server.ts'
import { deceivingLookup, forbiddenUrls, redirecting } from '../../test/support/forbidden-urls.ts'
import { OutgoingError } from './outgoing-error.ts'
import { createOutgoing, type Outgoing } from './outgoing.ts'

const callers: [string, (outgoing: Outgoing, url: string) => Promise<unknown>][] = [
  ['a request', (outgoing, url) => outgoing.request({ url, method: 'POST', body: 'x' })],
  ['a fetch', (outgoing, url) => outgoing.fetch()(url)],
  ['a fetch of a URL', async (outgoing, url) => outgoing.fetch()(new URL(url))],
  ['a fetch of a Request', async (outgoing, url) => outgoing.fetch()(new Request(url))],
]

/** Listens on all addresses of this machine, where nobody may come. */
async function forbidden() {
  return listening(
    createServer((socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret')),
    '::',
  )
}

describe.each(callers)('%s', (_, call) => {
  it('to what is not public is refused in every form, and nobody there is reached', async () => {
    const { port, sockets } = await forbidden()
    const permitted = await redirecting()
    const outgoing = createOutgoing({ privateAddresses: [`127.0.0.1:${permitted.port}`], lookup: deceivingLookup('127.0.0.2') })
    const urls = forbiddenUrls(port, permitted.url)
    expect(urls.length).toBeGreaterThan(100)
    for (const url of urls) {
      const outcome = await call(outgoing, url).then(
        () => 'an answer',
        (error: unknown) => error,
      )
      // What URL and Request do not take themselves never comes to us.
      if (!(outcome instanceof TypeError)) expect([url, outcome]).toEqual([url, expect.any(OutgoingError)])
      if (outcome instanceof OutgoingError) expect([url, outcome.retryable]).toEqual([url, false])
    }
    expect(sockets).toEqual([])
  })
})

describe('a name', () => {
  it('is looked up once for each connection, and leads nowhere else when it changes', async () => {
    const { sockets, port } = await forbidden()
    const permitted = await answering((response) => response.end('here'), { host: '127.0.0.2' })
    const lookup = deceivingLookup('127.0.0.2')
    const outgoing = createOutgoing({ privateAddresses: ['127.0.0.2'], lookup })
    const url = `http://turning.test:${permitted.port}/`
    expect(await (await outgoing.request({ url })).text()).toBe('here')
    expect(lookup.asked).toEqual(['turning.test'])
    await expect(outgoing.request({ url: `http://turning.test:${port}/` })).rejects.toMatchObject({
      error: { code: 'address_not_allowed' },
    })
    expect(sockets).toEqual([])
  })

  it('that has one address among others that is not permitted is refused as a whole', async () => {
    const permitted = await answering((response) => response.end('here'))
    const outgoing = createOutgoing({
      privateAddresses: [`127.0.0.1:${permitted.port}`],
      lookup: async () => [
        { address: '127.0.0.1', family: 4 },
        { address: '10.0.0.1', family: 4 },
      ],
    })
    await expect(outgoing.request({ url: `http://both.test:${permitted.port}/` })).rejects.toMatchObject({
      error: { code: 'address_not_allowed' },
    })
    expect(permitted.sockets).toEqual([])
  })

  it('with several permitted addresses is reached at the one that answers', async () => {
    const permitted = await answering((response) => response.end('here'), { host: '127.0.0.3' })
    const outgoing = createOutgoing({
      privateAddresses: ['127.0.0.2', '127.0.0.3'],
      lookup: async () => ['127.0.0.2', '127.0.0.3'].map((address) => ({ address, family: 4 })),
    })
    expect(await (await outgoing.request({ url: `http://several.test:${permitted.port}/` })).text()).toBe('here')
  })
})

describe('what the operator lists', () => {
  const reaches = async (privateAddresses: string[], host = '127.0.0.1'): Promise<boolean> => {
    const server = await answering((response) => response.end('here'))
    const entries = privateAddresses.map((entry) => entry.replace('PORT', String(server.port)))
    const outgoing = createOutgoing({ privateAddresses: entries, lookup: deceivingLookup('127.0.0.1') })
    const outcome = await outgoing.request({ url: `http://${host}:${server.port}/` }).then(
      (answer) => answer.text(),
      (error: OutgoingError) => error.error.code,
    )
    expect(outcome).toBe(server.sockets.length > 0 ? 'here' : 'address_not_allowed')
    return outcome === 'here'
  }

  it.each([
    [['127.0.0.1']],
    [['127.0.0.0/8']],
    [['0.0.0.0/0']],
    [['::ffff:127.0.0.1']],
    [['::ffff:127.0.0.0/104']],
    [['127.0.0.1:PORT']],
    [['127.0.0.0/8:PORT']],
    [['10.0.0.1', '127.0.0.1']],
  ])('is reached: %j', async (entries) => expect(await reaches(entries)).toBe(true))

  it.each([[[]], [['127.0.0.2']], [['127.0.0.1:1']], [['10.0.0.0/8']], [['::1']], [['::/0']], [['loopback.test']]])(
    'and nothing else: %j',
    async (entries) => expect(await reaches(entries)).toBe(false),
  )

  it('may be a host name, which is then reached wherever it leads, but under that name alone', async () => {
    expect(await reaches(['Loopback.Test'], 'loopback.test')).toBe(true)
    expect(await reaches(['loopback.test:PORT'], 'LOOPBACK.test.')).toBe(true)
    expect(await reaches(['loopback.test:1'], 'loopback.test')).toBe(false)
    expect(await reaches(['loopback.test'], '127.0.0.1.nip.test')).toBe(false)
  })

  it('does not open a way to the credentials of a cloud unless that very address is listed', async () => {
    const { Reach } = await import('./reach.ts')
    for (const entries of [['169.254.0.0/16'], ['0.0.0.0/0'], ['metadata.test'], ['169.254.169.254/31'], ['169.254.169.254:80']])
      expect([entries, new Reach(entries).permits('169.254.169.254', 8080, 'metadata.test')]).toEqual([entries, false])
    expect(new Reach(['169.254.169.254']).permits('169.254.169.254', 80, 'metadata.test')).toBe(true)
    expect(new Reach(['169.254.169.254:80']).permits('::ffff:a9fe:a9fe', 80, 'metadata.test')).toBe(true)
  })

  it('is needed for the addresses of this machine, even where they are public', async () => {
    const { Reach } = await import('./reach.ts')
    const own = () => ['8.8.8.8', '2606:4700:0::1111']
    expect(new Reach([], own).permits('8.8.8.8', 80, 'own.test')).toBe(false)
    expect(new Reach([], own).permits('2606:4700::1111', 80, 'own.test')).toBe(false)
    expect(new Reach([], own).permits('8.8.4.4', 80, 'own.test')).toBe(true)
    expect(new Reach(['8.8.8.8'], own).permits('8.8.8.8', 80, 'own.test')).toBe(true)
  })

  it.each(['127.1', '0x7f.0.0.1', '10.0.0.0/33', '10.0.0.0/-1', '10.0.0.0/8/8', '::ffff:10.0.0.0/90', 'fe80::1%lo', 'a b', '*.internal'])(
    'is refused where it cannot be read: %s',
    async (entry) => {
      const { AddressList } = await import('./address-list.ts')
      expect(() => new AddressList(['10.0.0.1', entry])).toThrow(`'${entry}' is neither an address`)
    },
  )

  it.each(['http://a.test', 'a.test/b', 'user@a.test', 'a.test:0', 'a.test:99999', '[a.test]:80', ':80', '10.0.0.1/', '[::1', 'a..b'])(
    'is refused where it is something else: %s',
    async (entry) => {
      const { AddressList } = await import('./address-list.ts')
      expect(() => new AddressList([entry])).toThrow(`'${entry}' is neither an address`)
    },
  )
})
