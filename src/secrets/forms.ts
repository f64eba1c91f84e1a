/** What a secret must have at least to be told from ordinary text, in characters without the spaces around it. */
export const LEAST_LENGTH = 8

/** How deep JSON text may lie in JSON text: the arguments of a tool that quote a body that quotes a body. */
const JSON_DEPTH = 4

/** A line, or a part of a JSON value, counts as a secret of its own from so many characters on. */
const LEAST_PART = 16

/** Of values with more characters only the usual spellings are looked for: all of them would be megabytes. */
const LONG = 4_000

/**
 * Every spelling in which a value may turn up in text: as it is, within JSON, within a URL, within base64, and each of its
 * lines or JSON members likewise, since whoever reads a certificate or a key file quotes those alone.
 * @returns none for a value that is too short to be looked for
 */
export function formsOf(value: string): string[] {
  const whole = value.toWellFormed().trim()
  if (whole.length < LEAST_LENGTH) return []
  const needles = [whole, ...partsOf(whole)]
  const spell = whole.length > LONG ? usualSpellings : spellings
  return [...new Set(needles.flatMap(spell))]
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

function usualSpellings(text: string): string[] {
  const escaped = escapeJson(text)
  const encoded = base64Forms(text)
  return [text, ...jsonForms(text), ...urlForms(text), ...urlForms(escaped), ...encoded, ...encoded.flatMap(base64InUrls)]
}

/** With those of servers that escape more than they must, and of what lies in a URL or in base64 as something else. */
function spellings(text: string): string[] {
  const usual = [...usualSpellings(text), ...wrappedBase64(text)]
  // Perhaps a part of a host, which every parser of URLs writes in small letters; and there is nothing to escape in it.
  if (/^[\w.-]*$/.test(text)) return [...usual, text.toLowerCase()]
  const escaped = escapeJson(text)
  const inBase64 = escaped === text ? [] : base64Forms(escaped)
  const inUrls = [...urlForms(text), ...urlForms(escaped)].map((form) => form.replaceAll('%', '%25'))
  return [...usual, ...writers.flatMap((write) => nested(write(escaped))), ...inUrls, ...inBase64, ...inBase64.flatMap(base64InUrls)]
}

/** RFC 8259 §7 leaves a choice: beyond ASCII as it is or by its number, a slash with or without a backslash. The others are JSON within JSON. */
function jsonForms(text: string): string[] {
  const escaped = escapeJson(text)
  return [...nested(escaped), byNumber(escaped, beyondAscii), escaped.replaceAll('/', '\\/')]
}

const beyondAscii = /[\u007f-\uffff]/g

/** As they write JSON who escape more than they must. */
const writers: readonly ((escaped: string) => string)[] = [
  // Python
  (escaped) => byNumber(escaped, beyondAscii),
  // PHP
  (escaped) => byNumber(escaped, beyondAscii).replaceAll('/', '\\/'),
  // Go, Rails
  (escaped) => byNumber(escaped, /[&<>\u2028\u2029]/g),
  // Gson
  (escaped) => byNumber(escaped, /[&<>='\u2028\u2029]/g),
  // ASP.NET
  (escaped) => withCapitalDigits(byNumber(escaped, /[&<>'+`\u007f-\uffff]/g)).replaceAll('\\"', '\\u0022'),
]

/** The text itself, and within JSON text again and again. */
function nested(escaped: string): string[] {
  const forms = [escaped]
  while (forms.length < JSON_DEPTH) forms.push(escapeJson(forms.at(-1)!))
  return forms
}

function byNumber(escaped: string, characters: RegExp): string {
  return escaped.replace(characters, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

function withCapitalDigits(text: string): string {
  return text.replace(/\\u[0-9a-f]{4}/g, (escape) => `\\u${escape.slice(2).toUpperCase()}`)
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

/** Of what `base64Forms` gives, only these two are ever written otherwise. */
function base64InUrls(text: string): string[] {
  if (/^[\w-]*$/.test(text)) return []
  const strict = text.replaceAll('+', '%2B')
  const forms = [strict, strict.replaceAll('/', '%2F')]
  return [...forms, ...forms.map(withSmallDigits)]
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

/** Of the text alone, in lines as MIME (RFC 2045 §6.8) and PEM have them, and as `base64` and `openssl` print it; and that within JSON. */
function wrappedBase64(text: string): string[] {
  const encoded = Buffer.from(text).toString('base64')
  return [64, 76].flatMap((width) => {
    if (encoded.length <= width) return []
    const lines = encoded.match(new RegExp(`.{1,${width}}`, 'g'))!
    return ['\n', '\r\n', '\\n', '\\r\\n'].map((end) => lines.join(end).replace(/=*$/, '').slice(0, -1))
  })
}
