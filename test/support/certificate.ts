import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { isIP } from 'node:net'

export interface TestCertificate {
  /** PEM. */
  key: string
  cert: string
}

/** A certificate that a server of a test signs itself (RFC 5280), good for these names and addresses. */
export function selfSigned(names: readonly string[], valid: { from: Date; until: Date } = aroundNow()): TestCertificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const name = sequence(set(sequence(oid('550403'), utf8(names[0]!))))
  const algorithm = sequence(oid('2a8648ce3d040302'))
  const info = publicKey.export({ type: 'spki', format: 'der' })
  const alternatives = names.map((one) =>
    isIP(one) === 4 ? tagged(0x87, Buffer.from(one.split('.').map(Number))) : tagged(0x82, Buffer.from(one)),
  )
  const extensions = sequence(
    sequence(oid('551d11'), octets(sequence(...alternatives))),
    sequence(oid('551d13'), octets(sequence(tagged(0x01, Buffer.from([0xff]))))),
    sequence(oid('551d0e'), octets(octets(createHash('sha1').update(info).digest()))),
  )
  const content = sequence(
    tagged(0xa0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    algorithm,
    name,
    sequence(time(valid.from), time(valid.until)),
    name,
    info,
    tagged(0xa3, extensions),
  )
  const signature = sign('sha256', content, privateKey)
  const certificate = sequence(content, algorithm, tagged(0x03, Buffer.concat([Buffer.from([0]), signature])))
  const pem = certificate.toString('base64').replaceAll(/.{64}/g, '$&\n')
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    cert: `-----BEGIN CERTIFICATE-----\n${pem}\n-----END CERTIFICATE-----\n`,
  }
}

const DAY_MS = 86_400_000

function aroundNow() {
  return { from: new Date(Date.now() - DAY_MS), until: new Date(Date.now() + DAY_MS) }
}

// DER (ITU-T X.690): a tag, a length, the content.

function tagged(tag: number, content: Buffer): Buffer {
  const { length } = content
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}

function sequence(...parts: Buffer[]): Buffer {
  return tagged(0x30, Buffer.concat(parts))
}

function set(...parts: Buffer[]): Buffer {
  return tagged(0x31, Buffer.concat(parts))
}

function oid(hex: string): Buffer {
  return tagged(0x06, Buffer.from(hex, 'hex'))
}

function integer(bytes: Buffer): Buffer {
  return tagged(0x02, bytes)
}

function octets(content: Buffer): Buffer {
  return tagged(0x04, content)
}

function utf8(text: string): Buffer {
  return tagged(0x0c, Buffer.from(text))
}

function time(date: Date): Buffer {
  return tagged(0x18, Buffer.from(date.toISOString().replaceAll(/[-:T]|\.\d+/g, '')))
}
