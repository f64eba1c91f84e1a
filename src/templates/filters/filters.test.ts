import { describe, expect, it } from 'vitest'
import { parseMapping } from '../mapping.ts'

const scope = {
  list: [3, 1, 2],
  items: [
    { name: 'b', price: 2, on: true, by: { id: 1 } },
    { name: 'A', price: 3, on: false, by: { id: 2 } },
    { name: 'c', price: 2, by: { id: 1 } },
  ],
  object: { a: 1, b: [2] },
  nothing: null,
  html: '<a href="x">T & Co</a>',
  emoji: '😀😀😀',
}

/** With its type. */
const filtered = (expression: string): unknown => parseMapping(`{{ ${expression} }}`).apply(scope)

describe('filters of texts', () => {
  it.each([
    ['"a-b" | append: "!" | prepend: "?" | upcase | downcase | capitalize', '?a-b!'],
    ['"  x  " | strip | append: "|"', 'x|'],
    ['"  x  " | lstrip | append: "|"', 'x  |'],
    ['"  x" | rstrip | prepend: "|"', '|  x'],
    ['html | escape', '&lt;a href=&#34;x&#34;&gt;T &amp; Co&lt;/a&gt;'],
    ['html | strip_html', 'T & Co'],
    ['"a b&c/ü" | url_encode', 'a+b%26c%2F%C3%BC'],
    ['"a+b%26" | url_decode', 'a b&'],
    ['"Hello World ü" | slugify', 'hello-world-ü'],
    ['"a.b.c" | replace: ".", "$&" | replace_first: "a", "x" | replace_last: "c", "z"', 'x$&b$&z'],
    ['"aXbX" | remove: "X" | remove_first: "a"', 'b'],
    ['"one two three" | truncatewords: 2', 'one two...'],
    ['"one two three" | number_of_words', 3],
    ['"abcdef" | truncate: 5', 'ab...'],
    ['emoji | truncate: 2, ""', '😀😀'],
    ['"abc" | truncate: 3', 'abc'],
    ['"abcdef" | slice: 1, 3', 'bcd'],
    ['"abcdef" | slice: -2, 2', 'ef'],
    ['emoji | slice: 1', '😀'],
    ['emoji | size', 6],
    ['"a,b,,c,," | split: ","', ['a', 'b', '', 'c']],
    ['"añ😀" | split: ""', ['a', 'ñ', '😀']],
    ['"aab" | replace: "", "-"', 'a-a-b'],
    ['"a\nb" | newline_to_br | strip_newlines', 'a<br />b'],
    ['"a" | base64_encode | append: "" | base64_decode', 'a'],
    ['"a" | sha256 | slice: 0, 8', 'ca978112'],
    ['"a" | hmac_sha256: "key" | size', 64],
    ['object | upcase', '{"A":1,"B":[2]}'],
    ['nothing | append: "x"', 'x'],
    ['5 | append: 6', '56'],
  ])('%s', (expression, result) => {
    expect(filtered(expression)).toEqual(result)
  })
})

describe('filters of numbers', () => {
  it.each([
    ['7 | plus: 3 | minus: 1 | times: 2 | divided_by: 4', 4.5],
    ['7 | modulo: 4', 3],
    ['-7.456 | abs | round: 1', 7.5],
    ['1.2 | ceil', 2],
    ['1.8 | floor', 1],
    ['5 | at_least: 7 | at_most: 6', 6],
    ['"12.5" | plus: 0', 12.5],
    ['" 3 " | times: "2"', 6],
  ])('%s', (expression, result) => {
    expect(filtered(expression)).toBe(result)
  })

  it.each([
    '"abc" | plus: 1',
    'nothing | plus: 1',
    '"" | plus: 1',
    'list | plus: 1',
    '1 | plus: "x"',
    '1 | divided_by: 0',
    '0 | modulo: 0',
    'list | sum: "x.y" | divided_by: 0',
    '"1e999" | plus: 1',
  ])('fail where there is no number: %s', (expression) => {
    expect(() => filtered(expression)).toThrow(expect.objectContaining({ code: 'template_failed' }) as Error)
  })
})

describe('filters of lists', () => {
  it.each([
    ['list | sort', [1, 2, 3]],
    ['items | sort: "price" | map: "name"', ['b', 'c', 'A']],
    ['items | sort_natural: "name" | map: "name"', ['A', 'b', 'c']],
    ['items | sort: "on_" | map: "name"', ['b', 'A', 'c']],
    ['items | map: "by.id" | uniq', [1, 2]],
    ['items | where: "price", 2 | map: "name"', ['b', 'c']],
    ['items | where: "on" | map: "name"', ['b']],
    ['items | reject: "on" | map: "name"', ['A', 'c']],
    ['items | where: "on", nil | map: "name"', ['c']],
    ['items | find: "by.id", 2', { name: 'A', price: 3, on: false, by: { id: 2 } }],
    ['items | find: "name", "z"', null],
    ['items | find_index: "name", "c"', 2],
    ['items | has: "name", "c"', true],
    ['items | has: "name", "z"', false],
    ['items | group_by: "price" | map: "name"', [2, 3]],
    ['items | sum: "price"', 7],
    ['list | sum', 6],
    ['list | reverse', [2, 1, 3]],
    ['list | join', '3 1 2'],
    ['list | join: ", "', '3, 1, 2'],
    ['list | concat: list | uniq | size', 3],
    ['list | push: 9 | unshift: 0', [0, 3, 1, 2, 9]],
    ['list | pop | shift', [1]],
    ['list | first', 3],
    ['list | last', 2],
    ['list | slice: 1, 5', [1, 2]],
    ['list | slice: -2, 2', [1, 2]],
    ['items | map: "on" | compact', [true, false]],
    ['nothing | map: "x"', []],
    ['nothing | size', 0],
    ['object | size', 2],
    ['"a,b,c" | split: "," | array_to_sentence_string', 'a, b, and c'],
    ['"a,b" | split: "," | array_to_sentence_string: "or"', 'a or b'],
    ['list | json', '[3,1,2]'],
    ['object | json: 2', '{\n  "a": 1,\n  "b": [\n    2\n  ]\n}'],
    ['nothing | json', 'null'],
    [`'{"a": [1, null]}' | parse_json`, { a: [1, null] }],
    ['nothing | default: "d"', 'd'],
    ['"" | default: "d"', 'd'],
    ['false | default: "d", allow_false: true', false],
  ])('%s', (expression, result) => {
    expect(filtered(expression)).toEqual(result)
  })

  it('change no list of the scope', () => {
    const before = structuredClone(scope)
    filtered('list | sort | reverse | push: 1 | pop | shift')
    filtered('items | sort: "name" | reverse | group_by: "name"')
    expect(scope).toEqual(before)
  })

  it.each([
    'list | concat: items | sort',
    'items | sort',
    'items | where: list',
    '"{" | parse_json',
    '"%" | url_decode',
    '"a" | append',
    '"x" | truncate: "y"',
  ])('fail with what they cannot work with: %s', (expression) => {
    expect(() => filtered(expression)).toThrow(expect.objectContaining({ code: 'template_failed' }) as Error)
  })
})
