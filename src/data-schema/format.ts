import { Get } from 'typebox/format'

/** Formats that are checked; others are a remark for people (JSON Schema, Validation §7). */
const CHECKED: Record<string, string> = {
  'date-time': 'a date and time such as 2026-01-31T12:00:00Z',
  date: 'a date such as 2026-01-31',
  time: 'a time such as 12:00:00Z',
  duration: 'a duration such as P1DT12H',
  email: 'an e-mail address',
  hostname: 'the name of a host',
  ipv4: 'an IPv4 address',
  ipv6: 'an IPv6 address',
  uri: 'a URL',
  'uri-reference': 'a URL or a part of one',
  url: 'a URL',
  uuid: 'a UUID',
}

/** Longer texts are none of these; an address can have some thousands. */
const MAX_LENGTH = 4_000

export interface Format {
  meaning: string
  matches: (text: string) => boolean
}

export function formatOf(name: string): Format | undefined {
  const matches = Object.hasOwn(CHECKED, name) ? Get(name) : undefined
  return matches && { meaning: CHECKED[name]!, matches: (text) => text.length <= MAX_LENGTH && matches(text) }
}
