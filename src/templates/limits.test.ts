import { describe, expect, it } from 'vitest'
import { threadMilliseconds } from '../interrupt.ts'
import { StudioError } from '../errors.ts'
import { Budget } from './budget.ts'
import { Overrun } from './failure.ts'
import { parseTemplate, type RenderOptions } from './template.ts'

/** What native code does in one go cannot be stopped in its middle: a few tens of milliseconds on a slow machine. */
const SLACK = 100

let bottomless: unknown = []
for (let level = 0; level < 100_000; level++) bottomless = [bottomless]
const numbers = Array.from({ length: 1_000_000 }, (_, index) => (index * 7919) % 1_000_003)
const scope = {
  input: {
    mega: 'ab '.repeat(3_000_000),
    mixed: 'x<&"é b'.repeat(140_000),
    amps: '&'.repeat(900_000),
    tags: '<>'.repeat(450_000),
    blanks: ' '.repeat(900_000),
    emoji: '😀'.repeat(450_000),
    numbers,
    objects: Array.from({ length: 100_000 }, (_, index) => ({ n: index % 1000, s: `s${index}`, d: { e: [index] } })),
    nested: [numbers, numbers, numbers],
    bottomless,
  },
  now: '2026-01-01T00:00:00Z',
}

/** The code of what ended it, or the length of what it gave. */
function outcomeOf(text: string, options?: RenderOptions): string | number {
  const template = parseTemplate(text)
  const before = threadMilliseconds()
  let outcome: string | number
  try {
    outcome = template.render(scope, options).length
  } catch (error) {
    if (!(error instanceof StudioError)) throw error
    outcome = error.code
  }
  expect(threadMilliseconds() - before).toBeLessThan(10 + SLACK)
  return outcome
}

describe('a template that would never end', () => {
  it.each([
    '{% for i in (1..1000000000) %}x{% endfor %}',
    '{% for i in (1..1000) %}{% for j in (1..1000) %}{% for k in (1..1000) %}{% endfor %}{% endfor %}{% endfor %}',
    '{% for i in (9007199254740992..9007199254740996) %}x{% endfor %}',
    '{% for i in (1..input.mega) %}x{% endfor %}',
    '{% assign s = "0123456789" %}{% for i in (1..100) %}{% assign s = s | append: s %}{% endfor %}{{ s }}',
    '{% assign s = "0123456789" %}{% for i in (1..100) %}{% assign s = s | replace: "0", s %}{% endfor %}{{ s }}',
    '{% capture s %}0123456789{% endcapture %}{% for i in (1..100) %}{% capture s %}{{ s }}{{ s }}{% endcapture %}{% endfor %}{{ s }}',
    '{% assign a = "a" | split: "" %}{% for i in (1..100) %}{% assign a = a | concat: a %}{% endfor %}{{ a }}',
    '{% assign a = "a" | split: "" %}{% for i in (1..100) %}{% assign a = a | push: a | push: a %}{% endfor %}{{ a == a }}',
    '{% assign a = "a" | split: "" %}{% for i in (1..100) %}{% assign a = a | unshift: a %}{% endfor %}{% case a %}{% when a %}{% endcase %}',
    '{% for i in (1..100000) %}{{ input.mixed | escape }}{% endfor %}',
    '{% for i in (1..100000) %}{{ "now" | date: "%c", "Europe/Berlin" }}{% endfor %}',
    '{% for x in input.objects limit: input.numbers %}{% endfor %}',
    '{{ input.numbers == input.nested }}{{ input.nested == input.objects }}{{ input.numbers contains -1 }}',
    '{{ input.bottomless }}',
    '{{ input.bottomless | json }}',
    '{{ input.bottomless | join }}',
    '{{ input.numbers }}',
    '{{ input.mega }}',
    '{{ input.objects | sort: "s" | size }}{{ input.numbers | sort | size }}',
    '{{ input.amps | escape | escape | escape | size }}',
  ])('is ended in time: %s', (text) => {
    expect(['template_limit', 'template_failed']).toContain(outcomeOf(text))
  })
})

describe('each filter', () => {
  const texts =
    'append: "x",base64_decode,base64_encode,capitalize,cgi_escape,downcase,escape,escape_once,hmac_sha256: "k",lstrip,lstrip: " x",newline_to_br,normalize_whitespace,number_of_words,number_of_words: "cjk",' +
    'remove: "x",remove_first: "x",remove_last: "x",rstrip,rstrip: "< >&",sha256,slugify,slugify: "latin",squish,strip,strip: "xy",strip_html,strip_newlines,truncatewords: 3,upcase,uri_escape,url_decode,url_encode,' +
    'xml_escape,replace: "x": "yyyyyyy",replace: "x", "yy",replace: "", "-",split: "",split: " ",split: "<",truncate: 10,truncate: 800000,slice: -3,slice: 1,slice: 800000, 10,json,parse_json,size,date: "%Y"'
  const lists =
    'sort,sort_natural,reverse,uniq,join,sum,map: "x",where: "x",compact,concat: input.numbers,push: 1,unshift: 1,pop,shift,slice: 5, 999999,find: "x",find_index: "n", 999999,group_by: "n",has: "x",' +
    'reject: "n", input.nested,json,upcase,array_to_sentence_string,escape,plus: 1,default: 3,parse_json,date: "%Y",size,first,last'

  it.each(texts.split(/,(?=[a-z])/))('is ended in time on megabytes of text: %s', (filter) => {
    for (const name of ['mega', 'mixed', 'amps', 'tags', 'blanks', 'emoji']) outcomeOf(`{{ input.${name} | ${filter} | size }}`)
  })

  it.each(lists.split(/,(?=[a-z])/))('is ended in time on lists of a million: %s', (filter) => {
    for (const name of ['numbers', 'objects', 'nested', 'bottomless']) outcomeOf(`{{ input.${name} | ${filter} | size }}`)
  })
})

describe('the limits of a template', () => {
  it('hold for what is captured and never written', () => {
    expect(outcomeOf('{% capture s %}{{ input.amps }}{% endcapture %}x')).toBe(1)
    expect(outcomeOf('{% capture s %}{{ input.amps }}{{ input.amps }}{% endcapture %}x')).toBe('template_limit')
  })

  it('hold within a filter on a long text', () => {
    const budget = new Budget({ milliseconds: 10, characters: 1 })
    const endless = () => {
      for (;;);
    }
    expect(() => budget.onText('x'.repeat(20_000), endless)).toThrow(Overrun)
  })

  it('do not depend on how many lines a comment has', () => {
    expect(parseTemplate(`{% # a${'\n'.repeat(90_000)}# x %}x`).render(scope)).toBe('x')
  })

  it('say what was too much, and where', () => {
    expect(() => parseTemplate('a\n{% for i in (1..900000) %}{% endfor %}').render(scope)).toThrow(
      expect.objectContaining({
        code: 'template_limit',
        status: 422,
        message: 'The template was stopped in line 2, column 1 after 10 ms. Give it less data, or compute it in a code step.',
      }) as Error,
    )
    expect(() => parseTemplate('{{ input.mega }}').render(scope)).toThrow(
      /^The template was stopped in line 1, column 1: it makes more than 1000000 characters\./,
    )
    expect(() => parseTemplate('{{ input.bottomless }}').render(scope)).toThrow('its data is nested too deep')
  })

  it('can be others', () => {
    expect(outcomeOf('{{ input.mega | size }}')).toBe(7)
    expect(outcomeOf('{{ input.mega }}', { characters: 10_000_000 })).toBe(9_000_000)
    expect(outcomeOf('{{ "12345" }}', { characters: 4 })).toBe('template_limit')
    const slow = parseTemplate('{% for i in (1..100000) %}{% endfor %}')
    expect(() => slow.render(scope)).toThrow('after 10 ms')
    expect(slow.render(scope, { milliseconds: 5_000 })).toBe('')
  })

  it('count the time that was computed, not the time that passed', () => {
    const nap = { toString: () => '' }
    // A scope has no functions; one that sleeps stands for a thread that waits for its turn.
    Object.defineProperty(nap, 'value', { enumerable: true, get: () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 30) })
    expect(parseTemplate('{{ nap.value }}{% for i in (1..50) %}{{ i }}{% endfor %}').render({ nap })).toContain('50')
  })

  it('leave nothing behind: the next rendering has them all again', () => {
    const template = parseTemplate('{% for i in (1..max) %}{{ i }}{% endfor %}')
    expect(() => template.render({ max: 1_000_000 })).toThrow('template')
    expect(template.render({ max: 3 })).toBe('123')
  })
})

describe('a text that is hard to read', () => {
  it.each([
    ['many outputs', '{{a}}'.repeat(19_000)],
    ['nested tags', '{% if a %}'.repeat(9_000)],
    ['nested parentheses', `{{ ${'('.repeat(90_000)} }}`],
    ['nested brackets', `{{ a${'[b'.repeat(30_000)}${']'.repeat(30_000)} }}`],
    ['a comment of empty lines', `{% # ${'\n'.repeat(90_000)}x %}`],
    ['many operators', `{{ a${' and a'.repeat(15_000)} }}`],
    ['many filters', `{{ a${' | upcase'.repeat(9_000)} }}`],
    ['raw that does not end', `{% raw %}${'{%'.repeat(45_000)}`],
    ['quotes that do not end', `{{ "${'\\"'.repeat(45_000)}`],
    ['many mistakes', '{{ a b }}'.repeat(11_000)],
    ['many trims', '{{- a -}} '.repeat(9_000)],
    ['a long path', `{{ a${'.b'.repeat(45_000)} }}`],
    ['a long number', `{{ ${'1'.repeat(90_000)} }}`],
  ])('is read or refused in time: %s', (_what, text) => {
    const before = threadMilliseconds()
    try {
      parseTemplate(text)
    } catch (error) {
      expect(error).toMatchObject({ name: 'TemplateInvalid' })
    }
    expect(threadMilliseconds() - before).toBeLessThan(600)
  })
})
