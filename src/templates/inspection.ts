import type {
  Context,
  Expression,
  FilteredValueToken,
  ForTag,
  Output,
  PropertyAccessToken,
  RangeToken,
  Tag,
  Template,
  Token,
  Value,
} from 'liquidjs'
import { guardToken, loopItems, loopNumber, optionalToken, rangeEnd } from './guards.ts'
import type { LiquidModule } from './liquid.ts'
import { Places } from './places.ts'
import type { Reference } from './reference.ts'
import type { Rendering } from './render-context.ts'
import type { TemplateProblem } from './template-invalid.ts'

type FilterArgs = Value['filters'][number]['args']

/** Tags whose line LiquidJS reads as far as it understands it, and says nothing about the rest. */
const READ_TO_THE_END = new Set(['assign', 'break', 'capture', 'case', 'continue', 'echo', 'for', 'if', 'unless'])

/**
 * Goes once through what LiquidJS parsed: finds what it refers to, what is wrong in it that LiquidJS lets pass, and sets guards
 * where its own work has no limits.
 */
export class Inspection {
  readonly references: Reference[] = []
  readonly problems: TemplateProblem[] = []
  readonly #liquid: LiquidModule
  readonly #hasFilter: (name: string) => boolean
  readonly #text: string
  readonly #places: Places
  /** What was assigned so far, and what the loops around call their items. */
  readonly #assigned = new Set<string>()
  readonly #loops: string[][] = []

  constructor(liquid: LiquidModule, hasFilter: (name: string) => boolean, text: string) {
    this.#liquid = liquid
    this.#hasFilter = hasFilter
    this.#text = text
    this.#places = new Places(text)
  }

  templates(templates: readonly Template[]): void {
    for (const template of templates) this.#template(template)
  }

  /** @param end where the text of the value should end */
  value(value: Value, end: number): void {
    this.#value(value)
    this.#rest(endOf(value), end)
  }

  #template(template: Template): void {
    const { ForTag, Output, Tag, toValueSync } = this.#liquid
    // `offset: continue` goes on where the loop before ended.
    if (template instanceof ForTag) this.#loops.push(['continue'])
    for (const argument of template.arguments?.() ?? []) this.#argument(argument)
    if (template instanceof ForTag) this.#loops.pop()
    if (template instanceof Output) this.#rest(endOf(template.value), (template as Output).token.contentRange[1])
    if (template instanceof Tag) this.#restOfTag(template)
    if (template instanceof ForTag) this.#guardLoop(template)
    for (const name of template.localScope?.() ?? []) this.#assign(name.content, name.begin)
    const own = template.blockScope && [...template.blockScope()]
    if (own?.includes('secrets')) this.#refuse(template.token.begin, `'secrets' stands for the secrets; call the items something else.`)
    if (own) this.#loops.push(own)
    if (template.children) this.templates(toValueSync(template.children(false, true)) as Template[])
    if (own) this.#loops.pop()
  }

  #argument(argument: Value | Token): void {
    if (argument instanceof this.#liquid.Value) this.#value(argument)
    else this.#token(argument, false)
  }

  #value(value: Value): void {
    const isOptional = value.filters[0]?.name === 'default'
    this.#expression(value.initial, isOptional)
    this.#filters(value.filters)
    const read = this.#shortcut(value.initial, isOptional)
    if (read) value.initial.evaluate = read
    if (read && value.filters.length === 0) value.value = read
    if (!isOptional) return
    const evaluate = value.value
    value.value = (context: Context) => evaluate.call(value, context, true)
  }

  /** What most templates are made of, a path and nothing else, is read without LiquidJS's generators: in half of the time. */
  #shortcut({ postfix }: Expression, isOptional: boolean): Expression['evaluate'] | undefined {
    const { isNumberToken, isPropertyAccessToken, isQuotedToken, isWordToken } = this.#liquid.TypeGuards
    const [token] = postfix
    if (postfix.length !== 1 || !isPropertyAccessToken(token) || token.variable) return undefined
    const path: (string | number)[] = []
    for (const prop of token.props) {
      if (!isWordToken(prop) && !isQuotedToken(prop) && !isNumberToken(prop)) return undefined
      path.push(prop.content)
    }
    // LiquidJS takes the value itself as well as an iterator.
    return ((context: Context) => (context as Rendering).read(path, isOptional, token)) as unknown as Expression['evaluate']
  }

  /** LiquidJS takes the first of several values side by side, and nothing for an operator's missing side. */
  #expression({ postfix }: Expression, isOptional: boolean): void {
    let values = 0
    for (const token of postfix) {
      const { isOperatorToken } = this.#liquid.TypeGuards
      if (!isOperatorToken(token)) {
        values += 1
        this.#token(token, isOptional)
        continue
      }
      const needed = token.operator === 'not' ? 1 : 2
      if (values < needed) return this.#refuse(token.begin, `'${token.operator}' lacks a value.`)
      values -= needed - 1
    }
    if (values > 1) this.#refuse(postfix.at(-1)!.begin, 'Two values stand side by side, without an operator between them.')
  }

  #filters(filters: readonly { name: string; args: FilterArgs }[]): void {
    for (const [index, { name, args }] of filters.entries()) {
      // `a | default: b | default: c`: the second says what holds where there is no `b`.
      const isOptional = name === 'default' && filters[index + 1]?.name === 'default'
      for (const [place, arg] of args.entries()) {
        const token = Array.isArray(arg) ? arg[1] : arg
        if (token) this.#token(token, isOptional)
        if (token && isOptional && !Array.isArray(arg)) args[place] = optionalToken(this.#liquid, token)
      }
    }
  }

  #token(token: Token, isOptional: boolean): void {
    const { isFilteredValueToken, isPropertyAccessToken, isRangeToken } = this.#liquid.TypeGuards
    if (isFilteredValueToken(token)) this.#group(token, isOptional)
    else if (isRangeToken(token)) this.#range(token)
    else if (isPropertyAccessToken(token)) this.#path(token, isOptional)
  }

  #group(token: FilteredValueToken, isOptional: boolean): void {
    const { initial, filters } = token
    const hasDefault = filters[0]?.name === 'default'
    this.#expression(initial, isOptional || hasDefault)
    for (const { name, begin } of filters) if (!this.#hasFilter(name)) this.#refuse(begin, `There is no filter '${name}'.`)
    this.#filters(filters)
    if (!hasDefault) return
    const evaluate = initial.evaluate
    initial.evaluate = (context: Context) => evaluate.call(initial, context, true)
  }

  #range(token: RangeToken): void {
    this.#token(token.lhs, false)
    this.#token(token.rhs, false)
    token.lhs = guardToken(this.#liquid, token.lhs, rangeEnd)
    token.rhs = guardToken(this.#liquid, token.rhs, rangeEnd)
  }

  #guardLoop(loop: ForTag): void {
    loop.collection = guardToken(this.#liquid, loop.collection, loopItems)
    for (const [name, token] of Object.entries(loop.hash.hash)) {
      if (token) loop.hash.hash[name] = guardToken(this.#liquid, token, loopNumber)
    }
  }

  #path(token: PropertyAccessToken, isOptional: boolean): void {
    const { isNumberToken, isQuotedToken, isWordToken } = this.#liquid.TypeGuards
    const path: (string | number)[] = []
    let isDynamic = false
    for (const prop of token.props) {
      if (isWordToken(prop) || isQuotedToken(prop) || isNumberToken(prop)) {
        if (!isDynamic) path.push(prop.content)
      } else {
        isDynamic = true
        this.#token(prop, false)
      }
    }
    if (token.variable) return this.#token(token.variable, isOptional)
    const [root] = path
    if (typeof root !== 'string') return this.#refuse(token.begin, 'A path begins with a name.')
    if (this.#isLocal(root)) return
    if (root === 'secrets' && (path.length !== 2 || isDynamic))
      this.#refuse(token.begin, 'A secret is named in full, as in secrets.API_KEY; nothing else can be read of the secrets.')
    this.references.push({ path, isDynamic, isOptional, pointer: '', ...this.#places.at(token.begin) })
  }

  #isLocal(name: string): boolean {
    return this.#assigned.has(name) || this.#loops.some((names) => names.includes(name))
  }

  #assign(name: string, at: number): void {
    if (name === 'secrets') this.#refuse(at, `'secrets' stands for the secrets; choose another name.`)
    this.#assigned.add(name)
  }

  #restOfTag(tag: Tag): void {
    if (!READ_TO_THE_END.has(tag.name)) return
    const { p, N } = tag['tokenizer']
    this.#rest(p, N)
  }

  #rest(from: number, to: number): void {
    const rest = this.#text.slice(from, to).trim()
    if (rest !== '') this.#refuse(from, `'${rest.length > 40 ? `${rest.slice(0, 40).toWellFormed()}…` : rest}' is not understood here.`)
  }

  #refuse(at: number, message: string): void {
    this.problems.push({ pointer: '', message, ...this.#places.at(at) })
  }
}

function endOf({ initial, filters }: Value): number {
  return Math.max(...initial.postfix.map(({ end }) => end), ...filters.map((filter) => filter['token'].end))
}
