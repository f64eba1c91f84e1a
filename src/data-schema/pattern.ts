import { interruptible } from '../interrupt.ts'

/**
 * Regular expressions that users wrote, which can take exponential time on a text that does not match. V8's own fallback to a linear
 * engine does not know the `u` flag, which JSON Schema asks for; so what may take long is matched under a watch.
 */

const MAX_LENGTH = 2_000
const MAX_UNFOLD_MILLISECONDS = 50

/** So many steps take less time than the watch. */
const FEW_STEPS = 20_000

/** On a text so short, even patterns that grow exponentially take few steps. */
const SHORT = 10

export class Pattern {
  readonly #expression: RegExp
  readonly #growth: Growth | undefined

  /** @throws an error that says what is wrong with it */
  constructor(source: string) {
    if (source.length > MAX_LENGTH) throw new Error(`a pattern has at most ${MAX_LENGTH} characters`)
    this.#expression = compile(source)
    this.#growth = growthOf(source)
    // V8 compiles it at its first match, and refuses one only then that unfolds to too much.
    if (/\{\d/.test(source)) this.#unfold()
  }

  /** Whether to match that text may take long. */
  isSlowOn(text: string): boolean {
    if (this.#growth === undefined) return text.length > SHORT
    return this.#growth.factor * (text.length + 1) ** this.#growth.degree > FEW_STEPS
  }

  matches(text: string): boolean {
    return this.#expression.test(text)
  }

  #unfold(): void {
    try {
      interruptible(() => this.#expression.test(''), MAX_UNFOLD_MILLISECONDS)
    } catch {
      throw new Error('it repeats too much too often')
    }
  }
}

/** JSON Schema, Core §6.4: with `u`. Many that are in use are only correct without. */
function compile(source: string): RegExp {
  try {
    return new RegExp(source, 'u')
  } catch {
    return new RegExp(source)
  }
}

/** How the steps grow with the length of the text, at worst: `factor · length ^ degree`. */
interface Growth {
  factor: number
  degree: number
}

/** Undefined where more than that is possible: a group that is repeated, a look-around, a back-reference. */
function growthOf(source: string): Growth | undefined {
  // What matters is only how often something is repeated, not what.
  const bare = source
    .replace(/\\[1-9k]/g, '(?=')
    .replace(/\\./gsu, 'x')
    .replace(/\[(?:[^\]])*\]/gu, 'x')
  if (/\(\?(?!:|<[A-Za-z])|\)[*+{]/.test(bare)) return undefined
  const unbounded = bare.match(/[*+]|\{\d+,\d*\}/g)?.length ?? 0
  const optional = bare.match(/\?|\|/g)?.length ?? 0
  const exact = [...bare.matchAll(/\{(\d+)\}/g)].reduce((product, [, times]) => product * Math.max(1, Number(times)), 1)
  return { factor: exact * 2 ** Math.min(optional, 30), degree: unbounded + (bare.startsWith('^') && !bare.includes('|') ? 0 : 1) }
}
