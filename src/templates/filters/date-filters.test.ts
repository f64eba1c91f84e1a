import { afterEach, describe, expect, it } from 'vitest'
import { parseTemplate } from '../template.ts'

const scope = { now: '2026-01-31T12:34:56.789Z', summer: '2026-07-01T00:30:00+02:00', seconds: 1769862896 }
const render = (text: string): string => parseTemplate(text).render(scope)

const zone = process.env['TZ']
afterEach(() => {
  if (zone === undefined) delete process.env['TZ']
  else process.env['TZ'] = zone
})

describe('dates in templates', () => {
  it.each([
    ['{{ "now" | date: "%Y-%m-%d %H:%M:%S.%L %z %Z" }}', '2026-01-31 12:34:56.789 +0000 UTC'],
    ['{{ "today" | date: "%F" }} {{ now | date: "%T %D" }}', '2026-01-31 12:34:56 01/31/26'],
    ['{{ now | date: "%A %a %B %b %e %-d %j %U %W %u %w %y %C" }}', 'Saturday Sat January Jan 31 31 031 04 04 6 6 26 20'],
    ['{{ now | date: "%I:%M %p %l %k %P %^a %_m %05d %q %s %N %%" }}', '12:34 PM 12 12 pm SAT  1 00031 st 1769862896 789000000 %'],
    ['{{ now | date: "%c|%x|%X|%?|%E" }}', 'Sat Jan 31 12:34:56 2026|01/31/26|12:34:56|%?|%E'],
    ['{{ summer | date: "%F %T %z", "Europe/Berlin" }}', '2026-07-01 00:30:00 +0200'],
    ['{{ summer | date: "%F %T" }}', '2026-06-30 22:30:00'],
    ['{{ now | date: "%F %T %:z", "Asia/Kathmandu" }}', '2026-01-31 18:19:56 +05:45'],
    ['{{ now | date: "%H:%M %z", 300 }} {{ now | date: "%H:%M %z", -120 }}', '07:34 -0500 14:34 +0200'],
    ['{{ seconds | date: "%F" }} {{ "1769862896" | date: "%F" }}', '2026-01-31 2026-01-31'],
    ['{{ "2026-03-29" | date: "%a %d %b" }} {{ "2026-03-29 02:30" | date: "%H:%M" }}', 'Sun 29 Mar 02:30'],
    ['{{ "Sat, 31 Jan 2026 12:34:56 GMT" | date: "%s" }}', '1769862896'],
    ['{{ now | date_to_xmlschema }} {{ now | date_to_rfc822 }}', '2026-01-31T12:34:56+00:00 Sat, 31 Jan 2026 12:34:56 +0000'],
    ['{{ now | date_to_string }}, {{ now | date_to_long_string }}, {{ now | date }}', '31 Jan 2026, 31 January 2026, 2026-01-31 12:34:56'],
    ['[{{ nil | date: "%Y" }}]', '[]'],
  ])('%s', (text, rendered) => {
    expect(render(text)).toBe(rendered)
  })

  it('are the same on a machine in another zone', () => {
    const text = '{{ now | date: "%c %z %Z" }} {{ "2026-03-29 02:30" | date: "%c" }} {{ summer | date: "%c", "America/New_York" }}'
    const expected = render(text)
    for (const other of ['America/New_York', 'Asia/Kathmandu', 'Europe/Berlin']) {
      process.env['TZ'] = other
      expect(new Date().getTimezoneOffset()).not.toBe(0)
      expect(render(text)).toBe(expected)
    }
  })

  it.each([
    '{{ "yesterday" | date: "%Y" }}',
    '{{ "2026-02-30T25:00:00Z" | date: "%Y" }}',
    '{{ 1e300 | date: "%Y" }}',
    '{{ summer | date: "%Y", "Mars/Olympus" }}',
    '{{ (1..2) | date: "%Y" }}',
  ])('fail when they are none: %s', (text) => {
    expect(() => render(text)).toThrow(expect.objectContaining({ code: 'template_failed' }) as Error)
  })

  it('know no time but the one that the scope has', () => {
    expect(() => parseTemplate('{{ "now" | date: "%Y" }}').render({})).toThrow("'now' is not known here")
  })
})
