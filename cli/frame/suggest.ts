/** The one that was probably meant: at most two letters off, or a third of the word; undefined where none is near. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  let best: { name: string; distance: number } | undefined
  for (const name of known) {
    const distance = name.startsWith(word) && word.length > 1 ? 1 : editDistance(word.toLowerCase(), name.toLowerCase())
    if (distance <= Math.max(2, Math.floor(word.length / 3)) && distance < Math.max(word.length, 2) && (!best || distance < best.distance))
      best = { name, distance }
  }
  return best?.name
}

/** Insertions, deletions, replacements and neighbours that changed places. */
function editDistance(one: string, other: string): number {
  let before: number[] = []
  let row = Array.from({ length: other.length + 1 }, (_, column) => column)
  for (let at = 1; at <= one.length; at++) {
    const next = [at]
    for (let column = 1; column <= other.length; column++) {
      const same = one[at - 1] === other[column - 1]
      let cost = Math.min(row[column]! + 1, next[column - 1]! + 1, row[column - 1]! + (same ? 0 : 1))
      const swapped = at > 1 && column > 1 && one[at - 1] === other[column - 2] && one[at - 2] === other[column - 1]
      if (swapped) cost = Math.min(cost, before[column - 2]! + 1)
      next.push(cost)
    }
    before = row
    row = next
  }
  return row[other.length]!
}
