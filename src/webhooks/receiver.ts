import type { FailureReceiver } from '../engine/journal.ts'
import type { Issue } from '../errors.ts'
import { soleName } from '../secrets/references.ts'

/** Where a webhook goes: `{{ secrets.NAME }}` in its URL stands for the secret, and nothing else is a template. */

const reference = /\{\{-?\s*secrets\.([A-Z][A-Z0-9_]{0,63})\s*-?\}\}/g

/** The secrets that it refers to, each once. */
export function secretsOf({ url, secret }: FailureReceiver): string[] {
  return [...new Set([...namesIn(url), ...[soleName(secret)].filter((name) => name !== undefined)])]
}

function namesIn(url: string): string[] {
  return [...url.matchAll(reference)].map(([, name]) => name!)
}

/** @param values of the secrets, by name */
export function fill({ url, secret }: FailureReceiver, values: Readonly<Record<string, string>>): FailureReceiver {
  return { url: url.replace(reference, (_all, name: string) => values[name]!), secret: values[soleName(secret)!]! }
}

/**
 * What is wrong with it, apart from what its schema says.
 * @param known the secrets of its environment
 */
export function problemsOf(receiver: FailureReceiver, pointer: string, environment: string, known: ReadonlySet<string>): Issue[] {
  const { url, secret } = receiver
  const missing = (names: readonly string[], at: string): Issue[] =>
    names
      .filter((name) => !known.has(name))
      .map((name) => ({
        pointer: `${pointer}/${at}`,
        code: 'unknown_secret',
        message: `Environment '${environment}' has no secret '${name}'. Store it with PUT /api/secrets/${environment}/${name}, and try again.`,
      }))
  return [...problemsOfUrl(url, `${pointer}/url`), ...missing(namesIn(url), 'url'), ...missing([soleName(secret) ?? ''], 'secret')]
}

function problemsOfUrl(url: string, pointer: string): Issue[] {
  const rest = url.replace(reference, '')
  const wrong = (message: string): Issue[] => [{ pointer, code: 'wrong_format', message }]
  if (/\{\{|\{%/.test(rest))
    return wrong("In this URL only references to secrets are filled in, as in 'https://example.org/{{ secrets.NAME }}'.")
  // What begins with a secret is not known before it is used.
  if (/^\s*\{\{/.test(url)) return []
  if (URL.canParse(url.replace(reference, 'x')) && /^https?:\/\//i.test(url)) return []
  return wrong('This must be a complete URL with http or https, such as https://example.org/hooks.')
}
