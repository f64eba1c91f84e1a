import { randomBytes } from 'node:crypto'

/** Secrets of every sort that people have, each with random parts, so that nothing else can contain them. */

const random = (bytes: number) => randomBytes(bytes)
const hex = (bytes: number) => random(bytes).toString('hex')

const pem = [
  '-----BEGIN PRIVATE KEY-----',
  ...Array.from({ length: 6 }, () => random(48).toString('base64')),
  '-----END PRIVATE KEY-----',
  '',
].join('\n')

/** By name. Those of the first list can be sent in a header. */
export const inHeaders: Record<string, string> = {
  OPENAI_API_KEY: `sk-proj-${random(30).toString('base64url')}`,
  GITHUB_TOKEN: `ghp_${hex(18)}`,
  AWS_SECRET: `${random(27).toString('base64').replaceAll('=', '')}/K+`,
  JWT: `eyJhbGciOiJIUzI1NiJ9.${random(40).toString('base64url')}.${random(32).toString('base64url')}`,
  HEX: hex(32),
  UUID: `${hex(4)}-${hex(2)}-4${hex(1)}a-9${hex(1)}b-${hex(6)}`,
  SHORT: `Zx9!${hex(2)}`,
  REPEATED: `aaaaaaaaaaaaaaaaaaaa${hex(3)}aaaaaaaaaaaaaaaaaaaa`,
  SLACK_HOOK: `https://hooks.example.com/services/T${hex(4)}/B${hex(4)}/${random(18).toString('base64url')}`,
  DATABASE_URL: `postgres://app:${hex(10)}@db.internal:5432/orders?sslmode=require`,
  LOGIN: `service-user:${random(15).toString('base64')}`,
  MARKS: `p&s<s>"w'o=r%d/+?#${hex(6)}`,
  BACKSLASHES: String.raw`C:\keys\new\table${hex(6)}\u0041`,
  LONG: random(3_000).toString('base64'),
}

/** These have characters that no header carries. */
export const inBodies: Record<string, string> = {
  UMLAUTS: `schlüssel-${hex(6)}-żółć-${hex(4)}`,
  EMOJI: `😀-${hex(8)}-🔑`,
  SPACED: `  a phrase of ${hex(6)} words  \n`,
  LINES: `first line ${hex(8)}\nsecond line ${hex(8)}\r\nthird`,
  PRIVATE_KEY: pem,
  KEY_FILE: JSON.stringify(
    { type: 'service_account', private_key_id: hex(20), private_key: pem, client_email: 'robot@project.example.com' },
    null,
    2,
  ),
}

export const planted: Record<string, string> = { ...inHeaders, ...inBodies }

/** How a hostile or careless server quotes a value. */
export function quotedBadly(value: string): string {
  return [
    value,
    JSON.stringify({ value }),
    JSON.stringify(JSON.stringify({ value })),
    `?q=${encodeURIComponent(value)}`,
    new URLSearchParams({ value }).toString(),
    Buffer.from(value).toString('base64'),
    `Basic ${Buffer.from(`a:${value}`).toString('base64')}`,
    Buffer.from(`ab:${value}\n`).toString('base64url'),
    // All of an error is read up to 64 kB.
    ...(value.length < 200 ? quotedTwice(value) : []),
  ].join(' | ')
}

function quotedTwice(value: string): string[] {
  const inner = `/login?key=${encodeURIComponent(value)}`
  return [`?next=${encodeURIComponent(inner)}`, asDotNet(value), Buffer.from(JSON.stringify({ value })).toString('base64')]
}

/**
 * Spellings of a secret, and of parts of it, that nothing may contain. Not made by the code that hides them, so that both would
 * have to forget the same.
 */
export function tracesOf(value: string): Buffer[] {
  const whole = value.trim()
  const json = JSON.stringify(whole).slice(1, -1)
  const base64 = ['', 'x', 'xy'].flatMap((before) => {
    // Without the characters that what stands before and after it has a share in.
    const inner = Buffer.from(before + whole)
      .toString('base64')
      .replace(/=*$/, '')
      .slice(4, -4)
    return [inner, inner.replaceAll('+', '-').replaceAll('/', '_')]
  })
  const lines = whole.split(/\r?\n/).filter((line) => line.length >= 16 && !line.startsWith('-----'))
  const half = Math.ceil(whole.length * 0.7)
  const parts = whole.length > 16 && !whole.startsWith('{') && !whole.startsWith('-----') ? [whole.slice(0, half), whole.slice(-half)] : []
  const texts = [
    whole,
    json,
    escaped(json),
    encodeURIComponent(whole),
    encodeURIComponent(encodeURIComponent(whole)),
    asDotNet(whole),
    new URLSearchParams({ a: whole }).toString().slice(2),
    ...base64,
    ...lines,
    ...parts,
  ]
  return [...new Set(texts)].map((text) => Buffer.from(text))
}

function escaped(json: string): string {
  return json.replaceAll(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** As System.Text.Json writes a text within quotation marks. */
function asDotNet(text: string): string {
  return JSON.stringify(text)
    .slice(1, -1)
    .replaceAll('\\"', '\\u0022')
    .replaceAll(/[&<>'+`\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`)
}
