/** Where a provider is reached, and what proves that we may. */
export interface BaseUrl {
  /** Without a trailing slash and without user-info. */
  url: string
  /** Basic authentication from the URL's user-info, which fetch refuses to take from there. */
  authorization: string | undefined
  /** What of it no message may show. */
  secrets: string[]
}

const scheme = /^[a-z][a-z0-9+.-]*:\/\//i

/**
 * Reads a configured base URL. `host:port` alone means http, as Ollama's own setting has it. What cannot be read stays as
 * it is: the call then fails and says so.
 */
export function parseBaseUrl(text: string): BaseUrl {
  const withScheme = scheme.test(text) ? text : `http://${text}`
  if (!URL.canParse(withScheme)) return { url: withScheme, authorization: undefined, secrets: [text] }
  const url = new URL(withScheme)
  const { username, password } = url
  url.username = url.password = ''
  const plain = url.href.replace(/\/+$/, '')
  if (!username && !password) return { url: plain, authorization: undefined, secrets: [] }
  const basic = Buffer.from(`${decoded(username)}:${decoded(password)}`).toString('base64')
  return { url: plain, authorization: `Basic ${basic}`, secrets: [basic, password, decoded(password)] }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part // A lone % is allowed in user-info and stands for itself.
  }
}
