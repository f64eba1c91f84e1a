import { describe, expect, it } from 'vitest'
import { toLines, toTable, type Column } from './table.ts'

const columns: Column<{ name: string; runs: number | null }>[] = [
  { title: 'name', value: ({ name }) => name },
  { title: 'runs', value: ({ runs }) => runs, right: true },
]

describe('a table', () => {
  it('has its columns under their titles, and a hyphen for what is not there', () => {
    const rows = [
      { name: 'poet', runs: 12 },
      { name: 'b', runs: null },
    ]
    expect(toTable(rows, columns, Number.POSITIVE_INFINITY)).toBe('NAME  RUNS\npoet    12\nb        -')
  })

  it('is cut at the width of a terminal, and nowhere else', () => {
    const rows = [{ name: 'x'.repeat(50), runs: 1 }]
    for (const line of toTable(rows, columns, 20).split('\n')) expect(line.length).toBeLessThanOrEqual(20)
    expect(toTable(rows, columns, Number.POSITIVE_INFINITY)).toContain('x'.repeat(50))
  })

  it('lets no value steer the terminal, or break its line', () => {
    const rows = [{ name: '\u001b[2Jevil\nname\u0007', runs: 1 }]
    expect(toTable(rows, columns, Number.POSITIVE_INFINITY)).toContain('[2Jevil name')
    expect(toTable(rows, columns, Number.POSITIVE_INFINITY)).not.toMatch(/\p{Cc}(?<!\n)/u)
    expect(toLines([['response', 'one\u001b[31m\ntwo']])).toBe('response  one[31m\n          two')
  })
})
