/** What a secret must have at least to be told from ordinary text, in characters without the spaces around it. */
export const LEAST_LENGTH = 8

/** How deep JSON text may lie in JSON text: the arguments of a tool that quote a body that quotes a body. */
const JSON_DEPTH = 4

/** A line, or a part of a JSON value, counts as a secret of its own from so many characters on. */
const LEAST_PART = 16

/**
 * Every spelling in which a value may turn up in text: as it is, within JSON, within a URL, within base64, and each of its
 * lines or JSON members likewise, since whoever reads a certificate or a key file quotes those alone.
 * @returns none for a value that is too short to be looked for
 */
export function formsOf(value: string): string[] {
  const whole = value.toWellFormed().trim()
  if (whole.length < LEAST_LENGTH) return []
  const needles = [whole, ...partsOf(whole)]
  return [...new Set(needles.flatMap(spellings))]
}

function partsOf(value: string): string[] {
  return [...linesOf(value), ...membersOf(value)].filter((part) => part.length >= LEAST_PART)
}

/** The armour of PEM (RFC 7468) is no secret, and stands in every certificate. */
const armour = /^-----(BEGIN|END) /

function linesOf(text: string): string[] {
  const lines = text.split(/\r\n|\r|\n/)
  return lines.length === 1 ? [] : lines.map((line) => line.trim()).filter((line) => !armour.test(line))
}

/** Addresses and the like stand beside what is secret in the key files of cloud providers. */
const hardlySecret = /^(https?:\/\/|[^\s@]+@[^\s@]+$)/

function membersOf(value: string): string[] {
  if (!/^[{[]/.test(value)) return []
  try {
    return textsIn(JSON.parse(value)).flatMap((text) => (hardlySecret.test(text) ? [] : [text.trim(), ...linesOf(text.trim())]))
  } catch {
    return []
  }
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap(textsIn)
}

function spellings(text: string): string[] {
  const escaped = escapeJson(text)
  const encoded = base64Forms(text)
  return [text, ...jsonForms(text), ...urlForms(text), ...urlForms(escaped), ...encoded, ...encoded.flatMap(urlForms)]
}

/** RFC 8259 §7 leaves a choice: beyond ASCII as it is or escaped, a slash with or without a backslash. The others are JSON within JSON. */
function jsonForms(text: string): string[] {
  const escaped = escapeJson(text)
  const ascii = escaped.replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
  const nested = [escaped]
  while (nested.length < JSON_DEPTH) nested.push(escapeJson(nested.at(-1)!))
  return [...nested, ascii, escaped.replaceAll('/', '\\/')]
}

function escapeJson(text: string): string {
  return JSON.stringify(text).slice(1, -1)
}

/** Of a path or a query by RFC 3986, and of a form by the URL standard; hexadecimal digits may be small. */
function urlForms(text: string): string[] {
  // What all of them leave as it is; and most keys are nothing else.
  if (/^[\w.-]*$/.test(text)) return []
  const component = encodeURIComponent(text)
  const strict = component.replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
  const form = new URLSearchParams([['', text]]).toString().slice(1)
  const forms = [component, strict, strict.replaceAll('%2F', '/'), encodeURI(text), form]
  return [...forms, ...forms.map(withSmallDigits)]
}

function withSmallDigits(text: string): string {
  return text.replace(/%[0-9A-F]{2}/g, (escape) => escape.toLowerCase())
}

/** Base64 of something that contains the text, wherever in its groups of three bytes the text begins (RFC 4648 §4, §5). */
function base64Forms(text: string): string[] {
  const bytes = Buffer.from(text)
  return [0, 1, 2].flatMap((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64')
    // Without the characters at both ends that depend on the neighbours as well.
    const own = encoded.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6))
    return [own, own.replaceAll('+', '-').replaceAll('/', '_')]
  })
}
