import type { structuredPatch } from 'diff'

/** Makes the unified diff of two texts; undefined where they are too different to say so in time. */
export type TextDiff = (before: string, after: string, timeoutMs: number) => string | undefined

/** Lines around what differs. */
const CONTEXT = 3
/** Lines that were added or removed. What differs in more is another text. */
const MOST_EDITS = 2_000

/** Loads what compares texts: 10 ms, at the first comparison. */
export async function loadTextDiff(): Promise<TextDiff> {
  const { structuredPatch: patch } = await import('diff')
  return (before, after, timeoutMs) => unified(patch, before, after, timeoutMs)
}

function unified(patch: typeof structuredPatch, before: string, after: string, timeout: number): string | undefined {
  const options = { context: CONTEXT, timeout, maxEditLength: MOST_EDITS }
  // Prompts end without a line break: that both do is nothing to tell.
  const end = before.endsWith('\n') || after.endsWith('\n') ? '' : '\n'
  const found = patch('', '', before + end, after + end, undefined, undefined, options)
  return found?.hunks
    .map(({ oldStart, oldLines, newStart, newLines, lines }) =>
      [`@@ -${range(oldStart, oldLines)} +${range(newStart, newLines)} @@`, ...lines].join('\n'),
    )
    .join('\n')
}

/** As POSIX has it: one line needs no count. */
function range(start: number, lines: number): string {
  return lines === 1 ? `${start}` : `${start},${lines}`
}
