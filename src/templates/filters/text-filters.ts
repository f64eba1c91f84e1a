import { Failure, Overrun } from '../failure.ts'
import type { Rendering } from '../render-context.ts'
import { toText } from '../to-text.ts'
import { advance, countCharacters } from './characters.ts'
import { own, withoutLimits, type Filter } from './filter.ts'

/** Filters of LiquidJS that make a text or a number of a text. None of them compiles a pattern that a user wrote. */
const TEXT_FILTERS = [
  'append',
  'base64_decode',
  'base64_encode',
  'capitalize',
  'cgi_escape',
  'downcase',
  'escape',
  'escape_once',
  'hmac_sha256',
  'lstrip',
  'newline_to_br',
  'normalize_whitespace',
  'number_of_words',
  'prepend',
  'remove_first',
  'remove_last',
  'replace_first',
  'replace_last',
  'rstrip',
  'sha256',
  'slugify',
  'squish',
  'strip',
  'strip_html',
  'strip_newlines',
  'truncatewords',
  'upcase',
  'uri_escape',
  'url_decode',
  'url_encode',
  'xml_escape',
]

export function textFilters(filters: Record<string, unknown>): Record<string, Filter> {
  const taken = TEXT_FILTERS.map((name): [string, Filter] => [name, bounded(own(filters, name))])
  return {
    ...Object.fromEntries(taken),
    replace,
    remove: (rendering, value, [what]) => replace(rendering, value, [what, '']),
    split,
    truncate,
  }
}

function bounded(filter: (this: unknown, ...args: [unknown, ...unknown[]]) => unknown): Filter {
  return (rendering, value, args) => {
    const { budget } = rendering
    const text = readable(rendering, value)
    const plain = args.map((arg) => (typeof arg === 'object' && arg !== null ? toText(arg, budget) : arg))
    const result = budget.onText(text, () => filter.call(withoutLimits, text, ...plain))
    if (typeof result === 'string') budget.use(result.length)
    return result
  }
}

/** What is longer than what may be made is not read either: the filters' work grows with it. */
function readable({ budget }: Rendering, value: unknown): string {
  const text = toText(value, budget)
  if (text.length > budget.limits.characters) throw new Overrun('size')
  return text
}

function replace(rendering: Rendering, value: unknown, [pattern, replacement]: readonly unknown[]): string {
  const { budget } = rendering
  const text = readable(rendering, value)
  const pieces = piecesOf(rendering, text, toText(pattern, budget))
  const by = toText(replacement, budget)
  budget.use(text.length + pieces.length * by.length)
  return pieces.join(by)
}

function split(rendering: Rendering, value: unknown, [separator]: readonly unknown[]): string[] {
  const pieces = piecesOf(rendering, readable(rendering, value), toText(separator, rendering.budget))
  while (pieces.at(-1) === '') pieces.pop()
  return pieces
}

function piecesOf({ budget }: Rendering, text: string, separator: string): string[] {
  const pieces: string[] = []
  if (separator === '') {
    budget.use(text.length)
    for (const character of text) {
      budget.tick()
      pieces.push(character)
    }
    return pieces
  }
  let from = 0
  for (let at = text.indexOf(separator); at !== -1; at = text.indexOf(separator, from)) {
    budget.tick()
    budget.use(1)
    pieces.push(text.slice(from, at))
    from = at + separator.length
  }
  pieces.push(text.slice(from))
  return pieces
}

/** Reads no more of a text than it keeps, so the text may have any length. */
function truncate({ budget }: Rendering, value: unknown, [length = 50, ending = '...']: readonly unknown[]): string {
  const text = toText(value, budget)
  const end = toText(ending, budget)
  if (typeof length !== 'number' || !(length >= 0)) throw new Failure('truncate needs a number of characters')
  if (text.length <= length || advance(text, 0, length) >= text.length) return text
  const kept = text.slice(0, advance(text, 0, Math.max(length - countCharacters(end), 0))) + end
  budget.use(kept.length)
  return kept
}
