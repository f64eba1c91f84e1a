import fc from 'fast-check'
import ipaddr from 'ipaddr.js'
import { describe, expect, it } from 'vitest'
import { readAddress } from '../addresses.ts'
import { isMetadata, isPublic } from './public-address.ts'
import { Reach } from './reach.ts'

const isPublicText = (text: string) => isPublic(readAddress(text)!)

describe('an address', () => {
  it.each(['1.1.1.1', '8.8.8.8', '93.184.216.34', '192.0.1.1', '172.32.0.1', '100.128.0.1', '2606:4700::1111', '2a00:1450:4001::1'])(
    'of the internet is public: %s',
    (text) => expect(isPublicText(text)).toBe(true),
  )

  it.each([
    ['this host', ['0.0.0.0', '0.1.2.3', '::']],
    ['loopback', ['127.0.0.1', '127.255.255.254', '::1']],
    ['a private network', ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', 'fc00::1', 'fd12:3456::1']],
    ['a shared network', ['100.64.0.1', '100.127.255.255']],
    ['a link', ['169.254.1.1', 'fe80::1']],
    ['a site', ['fec0::1']],
    ['a group', ['224.0.0.1', '239.255.255.255', 'ff02::1']],
    ['everybody', ['255.255.255.255']],
    ['documentation', ['192.0.2.1', '198.51.100.1', '203.0.113.1', '2001:db8::1', '3fff::1']],
    ['measurements', ['198.18.0.1', '198.19.255.255', '2001:2::1']],
    ['protocols', ['192.0.0.1', '192.88.99.1', '240.0.0.1', '64:ff9b:1::8.8.8.8', '100::1', '5f00::1']],
    ['what wraps an IPv4 address that is not public', ['::ffff:10.0.0.1', '::ffff:7f00:1', '64:ff9b::a00:1', '64:ff9b::127.0.0.1']],
    ['what leads to any IPv4 address', ['::8.8.8.8', '::ffff:0:8.8.8.8', '2002:808:808::1', '2001:0:808:808::1']],
    ['nobody yet', ['4000::1', '8000::1', '1::1']],
  ])('of %s is not public', (_, texts) => {
    for (const text of texts) expect([text, isPublicText(text)]).toEqual([text, false])
  })

  it('that wraps a public IPv4 address is that address, by the wrappings that lead there', () => {
    expect(readAddress('::ffff:8.8.8.8')!.toString()).toBe('8.8.8.8')
    expect(isPublicText('64:ff9b::8.8.8.8')).toBe(true)
  })

  it.each(['fe80::1%eth0', '127.1', '0x7f.0.0.1', '0127.0.0.1', 'localhost', '', '[::1]', '::1::', '1.2.3.4.5'])(
    'is not what a system call would not give: %j',
    (text) => expect(readAddress(text)).toBeUndefined(),
  )

  it.each([
    '169.254.169.254',
    '::ffff:169.254.169.254',
    '64:ff9b::a9fe:a9fe',
    '100.100.100.200',
    '168.63.129.16',
    'fd00:ec2::254',
    'FD00:0EC2:0::254',
  ])('where a cloud keeps its credentials is known: %s', (text) => expect(isMetadata(readAddress(text)!)).toBe(true))
})

describe('any address that belongs to nobody on the internet', () => {
  const reach = new Reach([], () => [])
  /** As a URL would be connected to. */
  const permits = (host: string): boolean => {
    const { hostname } = new URL(`http://${host}/`)
    return reach.permits(hostname.replace(/^\[(.*)\]$/, '$1'), 80, hostname)
  }

  it('is refused in all forms that an IPv4 address can be written in', () => {
    const digits = '⓪①②③④⑤⑥⑦⑧⑨'
    const forms: ((octets: number[]) => string)[] = [
      (octets) => octets.join('.'),
      (octets) => `${octets.join('.')}.`,
      (octets) => octets.map((octet) => `0x${octet.toString(16)}`).join('.'),
      (octets) => octets.map((octet) => `0${octet.toString(8)}`).join('.'),
      (octets) => octets.map((octet) => `0000${octet.toString(8)}`).join('.'),
      (octets) => String(Buffer.from(octets).readUInt32BE()),
      (octets) => `0x${Buffer.from(octets).toString('hex')}`,
      (octets) => `0${Buffer.from(octets).readUInt32BE().toString(8)}`,
      ([a, ...rest]) => `${a}.${Buffer.from([0, ...rest]).readUInt32BE()}`,
      ([a, b, ...rest]) => `0x${a!.toString(16)}.${b}.${Buffer.from(rest).readUInt16BE()}`,
      (octets) => octets.join('。'),
      (octets) => octets.join('.').replaceAll(/\d/g, (digit) => digits[Number(digit)]!),
      (octets) => octets.join('.').replaceAll(/./g, (character) => `%${character.charCodeAt(0).toString(16)}`),
      (octets) => `[::ffff:${octets.join('.')}]`,
      (octets) => `[0:0:0:0:0:FFFF:${Buffer.from(octets.slice(0, 2)).toString('hex')}:${Buffer.from(octets.slice(2)).toString('hex')}]`,
      (octets) => `[::${octets.join('.')}]`,
      (octets) => `[64:ff9b::${octets.join('.')}]`,
      (octets) => `[2002:${Buffer.from(octets.slice(0, 2)).toString('hex')}:${Buffer.from(octets.slice(2)).toString('hex')}::1]`,
    ]
    const octet = fc.integer({ min: 0, max: 255 })
    const special = fc.constantFrom([127], [10], [192, 168], [169, 254], [172, 16], [100, 64], [0], [224], [240], [198, 18], [203, 0, 113])
    const octets = fc.tuple(special, fc.tuple(octet, octet, octet, octet)).map(([start, rest]) => [...start, ...rest].slice(0, 4))
    fc.assert(
      fc.property(fc.oneof(octets, fc.tuple(octet, octet, octet, octet)), fc.constantFrom(...forms), (given, form) => {
        fc.pre(new ipaddr.IPv4(given).range() !== 'unicast')
        expect(permits(form(given))).toBe(false)
      }),
      { numRuns: 5_000 },
    )
  })

  it('is refused in all forms that an IPv6 address can be written in', () => {
    const part = fc.integer({ min: 0, max: 0xffff })
    const start = fc.constantFrom(
      [],
      [0],
      [0, 0, 0, 0, 0, 0xffff],
      [0xfe80],
      [0xfc00],
      [0xfd00],
      [0xfec0],
      [0xff02],
      [0x2001, 0xdb8],
      [0x2002],
      [0x64, 0xff9b],
      [0x100],
    )
    const parts = fc.tuple(start, fc.array(part, { minLength: 8, maxLength: 8 })).map(([first, rest]) => [...first, ...rest].slice(0, 8))
    const forms: ((address: ipaddr.IPv6) => string)[] = [
      (address) => address.toString(),
      (address) => address.parts.map((one) => one.toString(16).padStart(4, '0')).join(':'),
      (address) => address.toNormalizedString().toUpperCase(),
      (address) =>
        `${address.parts
          .slice(0, 6)
          .map((one) => one.toString(16))
          .join(':')}:${address.toByteArray().slice(12).join('.')}`,
    ]
    const embedded = (address: ipaddr.IPv6) => new ipaddr.IPv4(address.toByteArray().slice(12)).range()
    fc.assert(
      fc.property(parts, fc.constantFrom(...forms), (given, form) => {
        const address = new ipaddr.IPv6(given)
        fc.pre(address.range() !== 'unicast')
        // These two are the IPv4 address in them: the one is how programs write it, the other how it is reached without IPv4.
        const wraps = address.range() === 'ipv4Mapped' || address.match(ipaddr.IPv6.parseCIDR('64:ff9b::/96'))
        expect(permits(`[${form(address)}]`)).toBe(wraps && embedded(address) === 'unicast')
      }),
      { numRuns: 5_000 },
    )
  })
})
