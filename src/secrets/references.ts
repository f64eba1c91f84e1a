/** What secrets and variables are called. */
export const namePattern = '^[A-Z][A-Z0-9_]{0,63}$'
export const nameRule = 'A name has 1 to 64 capital letters, digits and underscores, and begins with a letter.'

/** A mention of a secret or a variable in a template. */
export interface Reference {
  kind: 'secret' | 'variable'
  /** Undefined where it is only known at run time which one is meant, as in `secrets[name]`. */
  name: string | undefined
}

// `{{ … }}` and `{% … %}` of Liquid.
const tag = /\{\{([\s\S]*?)\}\}|\{%([\s\S]*?)%\}/g

// What stands in quotes is no name, unless it is in brackets: `secrets["NAME"]`. A part of a longer path is another thing.
const mention =
  /(?<![\w.$-])(?<root>secrets|variables)(?![\w$-])\s*(?:\.\s*(?<plain>[A-Za-z_][\w-]*)|\[\s*(?:'(?<single>[^']*)'|"(?<double>[^"]*)")\s*\])?|'[^']*'|"[^"]*"/g

/** All that a template mentions, in its order. */
export function referencesInText(text: string): Reference[] {
  // Nearly every text.
  if (!/secrets|variables/.test(text)) return []
  return [...text.matchAll(tag)].flatMap(([, output, statement]) => referencesInExpression(output ?? statement!))
}

/** The same of what is an expression by itself, without braces: a condition. */
export function referencesInExpression(expression: string): Reference[] {
  return [...expression.matchAll(mention)].flatMap(({ groups }) => {
    const { root, plain, single, double } = groups!
    return root === undefined ? [] : [{ kind: root === 'secrets' ? 'secret' : 'variable', name: plain ?? single ?? double }]
  })
}

/** The names of the secrets that a template mentions, each once: what must be resolved before it is rendered. */
export function namesIn(text: string): string[] {
  return [...new Set(referencesInText(text).flatMap(({ kind, name }) => (kind === 'secret' && name !== undefined ? [name] : [])))]
}

const one = /^\s*\{\{-?\s*secrets\.([A-Z][A-Z0-9_]{0,63})\s*-?\}\}\s*$/

/** The name in a text that is nothing but one reference to a secret. */
export function soleName(text: unknown): string | undefined {
  return typeof text === 'string' ? one.exec(text)?.[1] : undefined
}
