const longest = 300

/**
 * The provider's own words in an error body, or in an error that is a part of the stream. Each family of servers has a
 * shape of its own: `{error: {message}}`, `{error: "…"}`, `{message}`, `{detail: "…"}`, or plain text.
 */
export function errorIn(body: unknown): string | undefined {
  if (typeof body === 'string') return messageIn(parsed(body)) ?? plainText(body)
  return messageIn(body)
}

function messageIn(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { error, message, detail } = value as Record<string, unknown>
  const words = [error, message, detail].find((one) => typeof one === 'string' && one.trim() !== '')
  return typeof words === 'string' ? words : messageIn(error)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** A page of HTML, as proxies send it, explains nothing. */
function plainText(text: string): string | undefined {
  const trimmed = text.trim()
  return trimmed === '' || /^[<{[]/.test(trimmed) ? undefined : trimmed
}

/** One readable sentence of at most 300 characters. Secrets must be gone already: what is cut in two is not found any more. */
export function sentence(text: string): string {
  const line = text.replace(/[\s\p{Cc}]+/gu, ' ').trim()
  if (line.length > longest) return `${line.slice(0, longest - 1).toWellFormed()}…`
  return /[.!?…)]$/.test(line) ? line : `${line}.`
}
