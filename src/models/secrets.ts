import { formsOf } from '../secrets/forms.ts'

const hidden = '[hidden]'

// Keys that are not ours to know, such as one that a proxy uses. A token has a digit, "bearer authentication" has none.
const bearerToken = /\b(bearer\s+)(?=[^\s"',;]*\d)[^\s"',;]{8,}/gi
const keyByItsLook = /\b(sk-|AIza)[\w-]{8,}/g
const userInfoInUrl = /\/\/[^\s/@]+@/g

/** The configured keys, which no message may contain: providers quote them, and fetch quotes a header it cannot send. */
export class Secrets {
  readonly #values: string[]

  constructor(values: (string | undefined)[]) {
    const forms = values.filter((value) => value !== undefined && value !== '').flatMap((value) => allFormsOf(value!))
    // The longest first: one key may be the beginning of another.
    this.#values = [...new Set(forms)].sort((a, b) => b.length - a.length)
  }

  /** Those and one more. */
  and(value: string | undefined): Secrets {
    return value === undefined ? this : new Secrets([...this.#values, value])
  }

  scrub(text: string): string {
    let clean = text
    for (const value of this.#values) clean = clean.replaceAll(value, hidden)
    return clean.replace(bearerToken, `$1${hidden}`).replace(keyByItsLook, hidden).replace(userInfoInUrl, '//')
  }
}

/** A key as it may be quoted. One that is too short for `formsOf`, as servers of one's own have it, is hidden as well. */
function allFormsOf(value: string): string[] {
  return [value, JSON.stringify(value).slice(1, -1), encodeURIComponent(value.toWellFormed()), ...formsOf(value)]
}
