import type { LookupAddress } from 'node:dns'
import type { Lookup } from '../../src/outgoing/lookup.ts'
import { answering } from './answering-server.ts'

/** Public on paper; nothing is ever sent there, since each of these names has another address as well, or leads there next. */
const PUBLIC = '93.184.216.34'

const names: Record<string, string[]> = {
  'loopback.test': ['127.0.0.1'],
  'loopback6.test': ['::1'],
  'mapped.test': ['::ffff:127.0.0.1'],
  'zone.test': ['fe80::1%lo'],
  'private.test': ['10.0.0.1'],
  'metadata.test': ['169.254.169.254'],
  'mixed.test': [PUBLIC, '127.0.0.1'],
  'mixed-last.test': ['2606:4700::1111', PUBLIC, '::1'],
  'nothing.test': [],
}

/**
 * A name server that lies: what it knows, names with their address in them (`127.0.0.1.nip.test`), what this machine calls itself,
 * and `turning.test`, which leads to an address that is permitted first and to 127.0.0.1 ever after.
 * @param first an address that is permitted
 */
export function deceivingLookup(first: string): Lookup & { asked: string[] } {
  const asked: string[] = []
  const lookup: Lookup = async (name) => {
    const plain = name.toLowerCase().replace(/\.$/, '')
    const turned = asked.includes(plain)
    asked.push(plain)
    if (plain === 'turning.test') return [addressOf(turned ? '127.0.0.1' : first)]
    if (plain === 'localhost' || plain.endsWith('.localhost')) return ['127.0.0.1', '::1'].map(addressOf)
    const written = /^(\d+\.\d+\.\d+\.\d+)\.nip\.test$/.exec(plain)?.[1]
    const known = written ? [written] : names[plain]
    if (known) return known.map(addressOf)
    throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), { code: 'ENOTFOUND' })
  }
  return Object.assign(lookup, { asked })
}

function addressOf(address: string): LookupAddress {
  return { address, family: address.includes(':') ? 6 : 4 }
}

/** A server that sends everybody to where `to` says, with the status that `status` says. */
export function redirecting(host = '127.0.0.1') {
  return answering(
    (response, { url = '' }) => {
      const { searchParams } = new URL(url, 'http://redirecting.test')
      response.writeHead(Number(searchParams.get('status') ?? 302), { location: searchParams.get('to') ?? '/' }).end('Go there.')
    },
    { host },
  )
}

/**
 * URLs that lead to this machine or to no public address, in forms that have fooled somebody.
 * @param port where something listens on loopback that must never be reached
 * @param permitted a `redirecting` server that may be reached
 */
export function forbiddenUrls(port: number, permitted: string): string[] {
  const at = (host: string): string => `http://${host}:${port}/`
  const via = (to: string, status = 302): string => `${permitted}/?status=${status}&to=${encodeURIComponent(to)}`
  return [
    // Forms of 127.0.0.1
    ...['127.0.0.1', '127.1', '127.0.1', '2130706433', '0x7f000001', '0x7f.0.0.1', '0X7F.1', '017700000001', '0177.0.0.1'].map(at),
    ...['0177.0x0.0.1', '00000000177.0.0.1', '127.0.0.1.', '127.255.255.254', '0.0.0.0', '0'].map(at),
    // Digits and dots of other scripts, and escapes
    ...['①②⑦.⓪.⓪.①', '１２７.０.０.１', '127。0。0。1', '127．0．0．1', '%31%32%37.%30.0.1', '127%2e0%2e0%2e1'].map(at),
    // IPv6
    ...[
      '[::1]',
      '[0:0:0:0:0:0:0:1]',
      '[0000:0000::0001]',
      '[::]',
      '[::ffff:127.0.0.1]',
      '[::ffff:7f00:1]',
      '[0:0:0:0:0:FFFF:7F00:0001]',
    ].map(at),
    ...['[::127.0.0.1]', '[::7f00:1]', '[::ffff:0:127.0.0.1]', '[64:ff9b::127.0.0.1]', '[64:ff9b:1::7f00:1]', '[2002:7f00:1::]'].map(at),
    ...['[2001:0:7f00:1::]', '[fe80::1%lo]', '[fe80::1%25lo]', '[::1%lo]'].map(at),
    // Names
    ...['localhost', 'LOCALHOST.', 'loc%61lhost', 'ⓛocalhost', 'a.localhost', 'loopback.test', 'loopback6.test', 'mapped.test'].map(at),
    ...['zone.test', 'private.test', 'mixed.test', 'mixed-last.test', 'nothing.test', '127.0.0.1.nip.test', 'unknown.test'].map(at),
    // What stands around the host
    ...['http://example.com@127.0.0.1', 'http://127.0.0.1:1@127.0.0.1', 'http://user:password@localhost'].map(
      (start) => `${start}:${port}/`,
    ),
    `http://127.0.0.1:${port}\\@example.com/`,
    `http:127.0.0.1:${port}/`,
    `http:/127.0.0.1:${port}`,
    `http:\\\\127.0.0.1:${port}\\`,

    ` \thttp://127.0.0.1:${port}/`,
    `ht\ntp://127.0.\t0.1:${port}/`,
    `http://127.0.0.1:${port}#@example.com/`,
    `http://127.0.0.1:0${port}/`,
    `//127.0.0.1:${port}/`,
    `https://127.0.0.1:${port}/`,
    // Other networks that are not public
    ...[
      '10.0.0.1',
      '172.16.0.1',
      '192.168.1.1',
      '100.64.0.1',
      '169.254.169.254',
      '[fd00:ec2::254]',
      '168.63.129.16',
      '100.100.100.200',
    ].map(at),
    ...[
      '224.0.0.1',
      '255.255.255.255',
      '240.0.0.1',
      '198.18.0.1',
      '192.0.2.1',
      '203.0.113.9',
      '[fc00::1]',
      '[ff02::1]',
      'metadata.test',
    ].map(at),
    // Other protocols

    'file:///etc/passwd',
    'ftp://127.0.0.1/',
    `gopher://127.0.0.1:${port}/_GET`,
    'data:text/plain,hi',
    `ws://127.0.0.1:${port}/`,
    'unix:/run/x',
    'http://127.0.0.1:25/',
    'http://example.com:6667/',
    'http://',
    'http://:80/',
    'http://[::1',
    'http://1.2.3.4.5/',
    '127.0.0.1',
    '',
    // Redirects
    ...[301, 302, 303, 307, 308].map((status) => via(at('127.0.0.1'), status)),
    ...['[::ffff:127.0.0.1]', '2130706433', 'localhost', 'mixed.test', '169.254.169.254'].map((host) => via(at(host))),
    via(via(via(at('127.0.0.1')), 307)),
    via(`//127.0.0.1:${port}/`),
    via(`http://a@127.0.0.1:${port}/`),
    via('file:///etc/passwd'),
    via('http://127.0.0.1:25/'),
  ]
}
