import { harmless } from './terminal.ts'

export interface Column<Row> {
  title: string
  value: (row: Row) => string | number | null | undefined
  /** Only with -o wide. */
  wide?: true
  right?: true
  /** A colour for what is in the cell, which has no width. */
  style?: (text: string) => string
}

/** The rows under their titles, in columns two spaces apart; a line longer than `width` is cut at its end. */
export function toTable<Row>(rows: readonly Row[], columns: readonly Column<Row>[], width: number): string {
  const cells = rows.map((row) => columns.map(({ value }) => harmless(String(value(row) ?? '-')).replaceAll(/\s+/g, ' ')))
  const widths = columns.map(({ title }, index) => Math.max(title.length, ...cells.map((line) => line[index]!.length)))
  const lines = [columns.map(({ title }) => title.toUpperCase()), ...cells].map((line, row) => {
    let left = width
    return columns
      .map(({ right, style }, index) => {
        const isLast = index === columns.length - 1
        const padded = right ? line[index]!.padStart(widths[index]!) : isLast ? line[index]! : line[index]!.padEnd(widths[index]!)
        const shown = cut(padded, Math.max(left, 0))
        left -= padded.length + 2
        return row > 0 && style ? style(shown) : shown
      })
      .join('  ')
      .trimEnd()
  })
  return lines.join('\n')
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : width <= 1 ? '' : `${text.slice(0, width - 1)}…`
}

/** One thing: a line for each of what it has, the names to the left. */
export function toLines(entries: readonly (readonly [name: string, value: unknown])[]): string {
  const shown = entries.filter(([, value]) => value !== undefined)
  const width = Math.max(...shown.map(([name]) => name.length))
  return shown
    .map(([name, value]) => {
      const text = harmless(value === null ? '-' : typeof value === 'string' ? value : JSON.stringify(value))
      return `${name.padEnd(width)}  ${text.replaceAll('\n', `\n${' '.repeat(width + 2)}`)}`
    })
    .join('\n')
}
