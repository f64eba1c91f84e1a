/** Only these, so that SQLite's `glob` reads a pattern as we do: it knows `?` and `[` as well. */
export const namePattern = '^[A-Za-z0-9*][A-Za-z0-9._*-]{0,127}$'
export const namePatternRule =
  "A pattern has 1 to 128 letters, digits, dots, underscores, hyphens and '*' for any characters, such as 'support-*'; at most 8 of it are '*'."
/** How often `*` may stand in a pattern: each may make a look-up some times longer. */
export const MOST_STARS = 8

export function isNamePattern(text: string): boolean {
  return new RegExp(namePattern).test(text) && text.split('*').length <= MOST_STARS + 1
}

/** Takes at most the product of both lengths, whatever the pattern, where a regular expression might take for ever. */
export function matchesPattern(pattern: string, name: string): boolean {
  let at = 0
  let next = 0
  let star = -1
  let resume = 0
  while (next < name.length) {
    if (pattern[at] === '*') {
      star = at++
      resume = next
    } else if (pattern[at] === name[next]) {
      at++
      next++
    } else if (star < 0) {
      return false
    } else {
      // The last star takes one more.
      at = star + 1
      next = ++resume
    }
  }
  while (pattern[at] === '*') at++
  return at === pattern.length
}
