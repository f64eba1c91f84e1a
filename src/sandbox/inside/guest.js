// @ts-check

/**
 * The part of us that runs inside of the virtual machine: it is handed over as text, so it knows nothing but its arguments and the language. It
 * takes what it needs of the language before the program has changed it. A program that breaks it all the same only breaks its own answer: that
 * is a text, which the server reads as JSON and nothing else.
 *
 * @param {{ outputLimit: number, depthLimit: number, logLimit: number, logEntries: number, textLimit: number }} limits
 */
export function guest({ outputLimit, depthLimit, logLimit, logEntries, textLimit }) {
  const { parse, stringify } = JSON
  const { entries, defineProperty, setPrototypeOf, prototype: plain } = Object
  const { apply } = Reflect
  const { isArray, from } = Array
  const { isFinite } = Number
  const text = String
  const OutOfEngine = /** @type {ErrorConstructor} */ (/** @type {any} */ (globalThis)['InternalError'])
  const [slice, indexOf, startsWith, toTag] = [''.slice, ''.indexOf, ''.startsWith, plain.toString]
  /** @param {string} whole @param {number} end @returns {string} */
  const cut = (whole, end) => apply(slice, whole, [0, end])

  /** What JSON.stringify makes `{}` of, without a word. */
  const unwritable = /** @type {Record<string, string | undefined>} */ (
    /** @type {unknown} */ ({
      __proto__: null,
      '[object Map]': 'is a Map; return Object.fromEntries(map) instead',
      '[object Set]': 'is a Set; return [...set] instead',
      '[object Promise]': 'is a Promise; await it first',
      '[object RegExp]': 'is a regular expression',
      '[object Error]': 'is an Error; return its message instead, or throw it',
      '[object WeakMap]': 'is a WeakMap',
      '[object WeakSet]': 'is a WeakSet',
      '[object WeakRef]': 'is a WeakRef',
      '[object ArrayBuffer]': 'is an ArrayBuffer',
      '[object SharedArrayBuffer]': 'is a SharedArrayBuffer',
      '[object DataView]': 'is a DataView',
      '[object Generator]': 'is a generator; return [...generator] instead',
      '[object AsyncGenerator]': 'is an async generator',
      '[object Number]': 'is a Number object; return the number itself',
      '[object String]': 'is a String object; return the text itself',
      '[object Boolean]': 'is a Boolean object; return true or false itself',
    })
  )
  const numbers = 'Int8 Uint8 Uint8Clamped Int16 Uint16 Int32 Uint32 Float16 Float32 Float64 BigInt64 BigUint64'
  for (const kind of numbers.split(' ')) unwritable[`[object ${kind}Array]`] = 'is a typed array; return [...array] instead'

  /** What comes of the program. @type {{ [what: string]: unknown }} */
  const report = { __proto__: null, outcome: 'unsettled' }
  let output = ''
  const logs = /** @type {string[]} */ (list())
  let logged = 0

  /** An array that inherits nothing, so that no setter or `toJSON` that the program gives to all arrays has a part in it. @returns {unknown[]} */
  function list() {
    return setPrototypeOf([], null)
  }

  /** Thrown by what `toJson` asks, never by the program. */
  class Refused {
    /** @param {string} outcome @param {string} [path] @param {string} [reason] */
    constructor(outcome, path, reason) {
      this.outcome = outcome
      this.path = path
      this.reason = reason
    }

    tell() {
      report.outcome = this.outcome
      report.path = this.path
      report.reason = this.reason
    }
  }

  /**
   * JSON.stringify leaves out what JSON has no form for, or makes something else of it. Here somebody is asked about each such value.
   * @param {unknown} whole
   * @param {number} limit of characters, roughly
   * @param {(reason: string, value: unknown, path: () => string) => unknown} onOdd gives what is written instead, or throws
   * @throws {Refused} because it is too large
   */
  function toJson(whole, limit, onOdd) {
    // What holds the value that is looked at, the outermost first, and under which names these are held.
    const holders = list()
    const names = /** @type {string[]} */ (list())
    let depth = 0
    let size = 0

    /** @this {unknown} @param {string} name @param {unknown} value @returns {unknown} */
    function look(name, value) {
      while (depth > 0 && holders[depth - 1] !== this) depth--
      const kind = typeof value
      size += name.length + (kind === 'string' ? /** @type {string} */ (value).length : 1)
      if (size > limit) throw new Refused('too_large')
      // Most values are this, and each call more would show.
      if (kind === 'string' || kind === 'boolean' || value === null) return value
      const reason = oddity(this, value)
      const written = reason === undefined ? value : onOdd(reason, value, () => pathTo(this, name))
      if (typeof written === 'object' && written !== null) {
        holders[depth] = written
        names[depth++] = name
      }
      return written
    }

    /** Why the value is not as it should be, if it is not. @param {unknown} holder @param {unknown} value */
    function oddity(holder, value) {
      switch (typeof value) {
        case 'number':
          return isFinite(value) ? undefined : `is ${text(value)}`
        case 'undefined':
          // A member that is undefined is left out: so JavaScript says that there is none.
          return depth > 0 && !isArray(holder) ? undefined : 'is undefined'
        case 'object':
          return oddityOf(/** @type {object} */ (value))
        default:
          return typeof value === 'bigint' ? 'is a BigInt; convert it with Number() or String()' : `is a ${typeof value}`
      }
    }

    /** @param {object} value */
    function oddityOf(value) {
      for (let index = 0; index < depth; index++) if (holders[index] === value) return 'refers back to what holds it'
      if (depth === depthLimit) return `is nested more than ${depthLimit} deep`
      return isArray(value) ? undefined : unwritable[apply(toTag, value, [])]
    }

    /** @param {unknown} holder @param {string} name */
    function pathTo(holder, name) {
      let path = ''
      for (let index = 1; index < depth; index++) path += isArray(holders[index - 1]) ? `[${names[index]}]` : `.${names[index]}`
      if (depth > 0) path += isArray(holder) ? `[${name}]` : `.${name}`
      return cut(path, textLimit)
    }

    return stringify(whole, look)
  }

  /** @param {unknown} value */
  function settle(value) {
    try {
      output = toJson(value, outputLimit, (reason, _, path) => {
        throw new Refused('invalid', path(), reason)
      })
      report.outcome = 'output'
    } catch (thrown) {
      if (thrown instanceof Refused) thrown.tell()
      else fail(thrown)
    }
  }

  /** @param {unknown} thrown */
  function fail(thrown) {
    report.outcome = isOutOfMemory(thrown) ? 'out_of_memory' : 'failed'
    report.reason = describe(thrown)
    report.stack = stackOf(thrown)
  }

  /** @param {unknown} thrown */
  function isOutOfMemory(thrown) {
    return thrown instanceof OutOfEngine && apply(startsWith, readText(thrown, 'message') ?? '', ['out of memory'])
  }

  /** @param {unknown} thrown @returns {string} */
  function describe(thrown) {
    const message = readText(thrown, 'message')
    if (message === undefined) return cut(show(thrown), textLimit)
    const name = readText(thrown, 'name') || 'Error'
    return cut(message === '' ? name : `${name}: ${message}`, textLimit)
  }

  /** Without what is ours. @param {unknown} thrown */
  function stackOf(thrown) {
    const stack = readText(thrown, 'stack') ?? ''
    const end = apply(indexOf, stack, ['\n    at start (sandbox:'])
    return end < 0 ? stack : cut(stack, end)
  }

  /** What stands there, if it is a text: reading it may run anything and throw. @param {unknown} thrown @param {string} name */
  function readText(thrown, name) {
    try {
      const value = /** @type {any} */ (thrown)[name]
      return typeof value === 'string' ? cut(value, textLimit) : undefined
    } catch {
      return undefined
    }
  }

  /** For people: anything at all as a text. @param {unknown} value @returns {string} */
  function show(value) {
    switch (typeof value) {
      case 'string':
        return cut(value, logLimit)
      case 'bigint':
        return `${text(value)}n`
      case 'function':
        return '[function]'
      case 'object':
        return value === null ? 'null' : showObject(value)
      default:
        return text(value)
    }
  }

  /** @param {object} value */
  function showObject(value) {
    try {
      return isError(value) ? showError(value) : toJson(value, logLimit, (_, odd) => showOdd(odd))
    } catch (thrown) {
      return thrown instanceof Refused ? '[object that is too large to be shown]' : '[object that cannot be shown]'
    }
  }

  /** @param {unknown} value */
  function isError(value) {
    return apply(toTag, value, []) === '[object Error]'
  }

  /** @param {unknown} error */
  function showError(error) {
    return `${describe(error)}\n${stackOf(error)}`
  }

  /** @param {unknown} odd within something that is shown as JSON @returns {unknown} */
  function showOdd(odd) {
    if (typeof odd !== 'object' || odd === null) return show(odd)
    if (isError(odd)) return describe(odd)
    const tag = apply(toTag, odd, [])
    return tag === '[object Map]' || tag === '[object Set]' ? from(/** @type {Iterable<unknown>} */ (odd)) : tag
  }

  /** @param {unknown[]} values */
  function log(...values) {
    if (logged > logLimit || logs.length >= logEntries) return
    let entry = ''
    for (let index = 0; index < values.length && entry.length <= logLimit; index++) entry += (index > 0 ? ' ' : '') + show(values[index])
    const kept = cut(entry, logLimit - logged)
    logged += entry.length + 1
    logs[logs.length] = kept.length < entry.length ? `${kept}…` : kept
    if (logged > logLimit || logs.length === logEntries) logs[logs.length] = '… What was logged after this is not kept.'
  }

  const console = { log, debug: log, info: log, warn: log, error: log }
  defineProperty(globalThis, 'console', { value: console, writable: true, configurable: true })

  return {
    /** What came of it before it was a program at all. @param {unknown} thrown */
    fail,
    /** @param {() => Promise<unknown>} program @param {string} scope JSON */
    async start(program, scope) {
      try {
        const names = entries(parse(scope))
        for (let index = 0; index < names.length; index++) {
          const [name, value] = /** @type {[string, unknown]} */ (names[index])
          defineProperty(globalThis, name, { value, writable: true, enumerable: true, configurable: true })
        }
        settle(await program())
      } catch (thrown) {
        fail(thrown)
      }
    },
    report: () => stringify({ __proto__: null, ...report, logs }),
    output: () => output,
  }
}
