/** A calculation that cannot be made; the message says why. */
export class CalculationFailed extends Error {}

const LONGEST = 1_000
const DEEPEST = 100

const functions = new Map<string, { least: number; most: number; of: (...values: number[]) => number }>([
  ...(['abs', 'sqrt', 'cbrt', 'exp', 'floor', 'ceil', 'trunc', 'sign', 'sin', 'cos', 'tan', 'asin', 'acos', 'atan'] as const).map(
    (name) => [name, { least: 1, most: 1, of: (value: number) => Math[name](value) }] as const,
  ),
  ['ln', { least: 1, most: 1, of: Math.log }],
  ['log10', { least: 1, most: 1, of: Math.log10 }],
  ['log2', { least: 1, most: 1, of: Math.log2 }],
  ['round', { least: 1, most: 2, of: (value, digits = 0) => roundTo(value, digits) }],
  ['min', { least: 1, most: 100, of: (...values) => Math.min(...values) }],
  ['max', { least: 1, most: 100, of: (...values) => Math.max(...values) }],
])
const constants = new Map([
  ['pi', Math.PI],
  ['e', Math.E],
])

/**
 * The value of an arithmetic expression: numbers, `+ - * / % ^`, brackets, some functions, `pi` and `e`. It is read by hand, so
 * nothing in it can ever run. Takes microseconds.
 * @throws CalculationFailed
 */
export function calculate(expression: string): number {
  if (expression.length > LONGEST) throw new CalculationFailed(`An expression has at most ${LONGEST} characters.`)
  const value = new Calculation(tokensOf(expression)).run()
  if (!Number.isFinite(value))
    throw new CalculationFailed('The result is no finite number: look for a division by zero, or numbers that are too large.')
  // What is a matter of binary fractions alone is not shown: 0.1 + 0.2 is 0.3.
  return Number(value.toPrecision(15))
}

function tokensOf(expression: string): string[] {
  const tokens: string[] = []
  const pattern = /\s*(?:(\d+(?:_\d+)*(?:\.\d+)?(?:e[+-]?\d+)?|\.\d+)|([a-z][a-z0-9]*)|(\*\*|[-+*/%^(),×÷−]))/giy
  while (pattern.lastIndex < expression.trimEnd().length) {
    const at = pattern.lastIndex
    const match = pattern.exec(expression)
    if (!match)
      throw new CalculationFailed(`'${expression.slice(at).trim().slice(0, 20)}' cannot be read. Write numbers with a point, and no units.`)
    tokens.push(match[0].trim().toLowerCase())
  }
  return tokens
}

const spelled = new Map([
  ['×', '*'],
  ['÷', '/'],
  ['−', '-'],
  ['**', '^'],
])

class Calculation {
  readonly #tokens: readonly string[]
  #at = 0
  #depth = 0

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens.map((token) => spelled.get(token) ?? token)
  }

  run(): number {
    const value = this.#sum()
    if (this.#peek !== undefined) throw new CalculationFailed(`'${this.#peek}' is not expected where it stands.`)
    return value
  }

  get #peek(): string | undefined {
    return this.#tokens[this.#at]
  }

  #take(...wanted: string[]): string | undefined {
    const token = this.#peek
    if (token === undefined || !wanted.includes(token)) return undefined
    this.#at++
    return token
  }

  #sum(): number {
    let value = this.#product()
    for (let sign = this.#take('+', '-'); sign; sign = this.#take('+', '-')) value += sign === '+' ? this.#product() : -this.#product()
    return value
  }

  #product(): number {
    let value = this.#signed()
    for (let sign = this.#take('*', '/', '%'); sign; sign = this.#take('*', '/', '%')) {
      const next = this.#signed()
      value = sign === '*' ? value * next : sign === '/' ? value / next : value % next
    }
    return value
  }

  /** -2^2 is -4, as on paper. */
  #signed(): number {
    let isNegative = false
    for (let sign = this.#take('+', '-'); sign; sign = this.#take('+', '-')) isNegative = isNegative !== (sign === '-')
    const value = this.#power()
    return isNegative ? -value : value
  }

  /** 2^3^2 is 2^9. */
  #power(): number {
    const base = this.#value()
    if (!this.#take('^')) return base
    return this.#deeper(() => base ** this.#signed())
  }

  #value(): number {
    const token = this.#tokens[this.#at++]
    if (token === undefined) throw new CalculationFailed('The expression ends too early.')
    if (token === '(') return this.#deeper(() => this.#closed(this.#sum()))
    if (/^[.\d]/.test(token)) return Number(token.replaceAll('_', ''))
    const constant = constants.get(token)
    if (constant !== undefined) return constant
    return this.#call(token)
  }

  #call(name: string): number {
    const known = functions.get(name)
    if (!known)
      throw new CalculationFailed(`'${name}' is not known here. There are ${[...functions.keys(), ...constants.keys()].join(', ')}.`)
    if (!this.#take('(')) throw new CalculationFailed(`'${name}' needs its arguments in brackets.`)
    const values = this.#deeper(() => {
      const list = [this.#sum()]
      while (this.#take(',')) list.push(this.#sum())
      return this.#closed(list)
    })
    if (values.length < known.least || values.length > known.most)
      throw new CalculationFailed(`'${name}' does not take ${values.length} arguments.`)
    return known.of(...values)
  }

  #closed<Value>(value: Value): Value {
    if (!this.#take(')')) throw new CalculationFailed(`A bracket is not closed.`)
    return value
  }

  #deeper<Value>(work: () => Value): Value {
    if (++this.#depth > DEEPEST) throw new CalculationFailed(`Brackets are nested at most ${DEEPEST} deep.`)
    const value = work()
    this.#depth--
    return value
  }
}

function roundTo(value: number, digits: number): number {
  const factor = 10 ** Math.trunc(Math.min(Math.max(digits, -15), 15))
  return Math.round(value * factor) / factor
}
