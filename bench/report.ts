import type { Machine } from './machine.ts'
import type { Line, Measured } from './measure.ts'
import type { Options } from './options.ts'
import { toMegabytes, verdictOf, type Value } from './value.ts'

export interface MeasuredPart {
  name: string
  values: Value[]
}

export interface Report {
  at: string
  version: string
  machine: Machine
  options: Options
  figures: Measured[]
  parts: MeasuredPart[]
  /** Anything but 2xx, or a connection that broke: then the figures say little. */
  errors: number
  /** That the run took. */
  seconds: number
}

export function countErrors(figures: readonly Measured[]): number {
  const counts = figures.flatMap(({ lines }) => lines.flatMap(({ errors }) => Object.values(errors)))
  return counts.reduce((sum, count) => sum + count, 0)
}

export function countMissed(report: Report): number {
  return valuesOf(report).filter((value) => verdictOf(value) === 'missed').length
}

function valuesOf({ figures, parts }: Report): Value[] {
  return [...figures, ...parts].flatMap(({ values }) => values)
}

export function toText(report: Report): string {
  const { version, machine, options, figures, parts, errors, seconds } = report
  const { cpu, cores, memoryBytes, platform, node, sqlite, load, fdatasync } = machine
  const verdicts = valuesOf(report).map(verdictOf)
  const count = (verdict: string): number => verdicts.filter((one) => one === verdict).length
  return [
    `Agent Studio ${version}, Node ${node}, SQLite ${sqlite}, ${platform}`,
    `${cores} × ${cpu}, ${gigabytes(memoryBytes)}; fdatasync p50 ${fixed(fdatasync.p50Ms, 2)} ms, p99 ${fixed(fdatasync.p99Ms, 2)} ms; load ${fixed(load, 1)} before`,
    `Medians of ${options.rounds} alternating rounds of ${options.seconds} s. The load generator shares the machine.`,
    ...figures.flatMap((figure) => ['', ...figureText(figure)]),
    ...parts.flatMap(({ name, values }) => ['', name, ...valuesText(values)]),
    '',
    `Targets: ${count('met')} met, ${count('missed')} missed, ${count('not measured')} not measured. It took ${fixed(seconds)} s.`,
    ...(errors > 0 ? [`NOT VALID: ${errors} requests were not answered with 2xx.`] : []),
  ].join('\n')
}

const columns: readonly [title: string, cell: (line: Line) => string][] = [
  ['connections', (line) => String(line.connections)],
  ['requests/s', (line) => fixed(line.requestsPerSecond)],
  ['p50 ms', (line) => fixed(line.p50Ms, 2)],
  ['p99 ms', (line) => fixed(line.p99Ms, 2)],
  ['CPU µs/request', (line) => fixed(line.cpuMicrosPerRequest)],
  ['loop delay p99 ms', (line) => fixed(line.loopDelayP99Ms, 1)],
  ['memory MB, max', (line) => `${fixed(toMegabytes(line.rssMedianBytes))}, ${fixed(toMegabytes(line.rssMaxBytes))}`],
  ['subject : this', (line) => fixed(line.subjectShare, 2)],
  ['errors', (line) => errorText(line.errors)],
]

function figureText({ figure, lines, absent, values }: Measured): string[] {
  const cells = [
    ['', ...columns.map(([title]) => title)],
    ...lines.map((line) => [line.contender, ...columns.map(([, cell]) => cell(line))]),
  ]
  const missing = Object.entries(absent).map(([contender, why]) => `  ${contender} could not be measured: ${why}`)
  return [figure, ...table(cells), ...missing, ...valuesText(values)]
}

function valuesText(values: readonly Value[]): string[] {
  return table(values.map((value) => [value.what, withUnit(value.value, value), targetText(value), verdictOf(value) ?? '']))
}

function targetText(value: Value): string {
  if (value.atLeast !== undefined) return `at least ${withUnit(value.atLeast, value)}`
  return value.atMost === undefined ? '' : `at most ${withUnit(value.atMost, value)}`
}

function withUnit(value: number | undefined, { unit }: Value): string {
  return value === undefined ? '–' : `${fixed(value, unit === ':1' ? 2 : Math.abs(value) < 100 ? 1 : 0)} ${unit}`.trim()
}

/** Columns of the same width: the first begins on the left, the others end on the right. */
function table(cells: string[][]): string[] {
  const widths = cells[0]?.map((_, column) => Math.max(...cells.map((row) => row[column]!.length))) ?? []
  return cells.map((row) => {
    const aligned = row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
    return `  ${aligned.join('  ').trimEnd()}`
  })
}

function errorText(errors: Record<string, number>): string {
  const texts = Object.entries(errors).map(([what, count]) => `${count} × ${what}`)
  return texts.length === 0 ? '0' : `! ${texts.join(', ')}`
}

function fixed(value: number, digits = 0): string {
  if (!Number.isFinite(value)) return '–'
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

const gigabytes = (bytes: number): string => `${fixed(bytes / 2 ** 30)} GB`
