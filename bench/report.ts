import type { ColdStart } from './cold-start.ts'
import type { Machine } from './machine.ts'
import type { Line, Measured } from './measure.ts'
import type { Options } from './options.ts'

export interface Report {
  at: string
  version: string
  machine: Machine
  options: Options
  figures: Measured[]
  coldStart: ColdStart
  /** Anything but 2xx, or a connection that broke: then the figures say little. */
  errors: number
}

export function countErrors(figures: readonly Measured[]): number {
  const counts = figures.flatMap(({ lines }) => lines.flatMap(({ errors }) => Object.values(errors)))
  return counts.reduce((sum, count) => sum + count, 0)
}

export function toText({ version, machine, options, figures, coldStart, errors }: Report): string {
  const { cpu, cores, memoryBytes, platform, node, sqlite, load, fdatasync } = machine
  return [
    `Agent Studio ${version}, Node ${node}, SQLite ${sqlite}, ${platform}`,
    `${cores} × ${cpu}, ${gigabytes(memoryBytes)}; fdatasync p50 ${fixed(fdatasync.p50Ms, 2)} ms, p99 ${fixed(fdatasync.p99Ms, 2)} ms; load ${fixed(load, 1)} before`,
    `Medians of ${options.rounds} alternating rounds of ${options.seconds} s. The load generator shares the machine.`,
    ...figures.flatMap((figure) => ['', ...figureText(figure)]),
    '',
    'cold start',
    `  new folder, until it listens      ${fixed(coldStart.newListeningMs)} ms`,
    `  second start, until it listens    ${fixed(coldStart.listeningMs)} ms`,
    `  … until the first answer          ${fixed(coldStart.firstAnswerMs)} ms`,
    `  resident memory then              ${megabytes(coldStart.idleRssBytes)}`,
    ...(errors > 0 ? ['', `NOT VALID: ${errors} requests were not answered with 2xx.`] : []),
  ].join('\n')
}

const columns: readonly [title: string, cell: (line: Line) => string][] = [
  ['connections', (line) => String(line.connections)],
  ['requests/s', (line) => fixed(line.requestsPerSecond)],
  ['p50 ms', (line) => fixed(line.p50Ms, 2)],
  ['p99 ms', (line) => fixed(line.p99Ms, 2)],
  ['CPU µs/request', (line) => fixed(line.cpuMicrosPerRequest)],
  ['loop delay p99 ms', (line) => fixed(line.loopDelayP99Ms, 1)],
  ['subject : this', (line) => `${fixed(100 * line.subjectShare)} %`],
  ['errors', (line) => errorText(line.errors)],
]

function figureText({ figure, lines, rssBytes }: Measured): string[] {
  const cells = [
    ['', ...columns.map(([title]) => title)],
    ...lines.map((line) => [line.contender, ...columns.map(([, cell]) => cell(line))]),
  ]
  const widths = cells[0]!.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)))
  const rows = cells.map((row) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join('  '),
  )
  const memory = Object.entries(rssBytes).map(([name, bytes]) => `${name} ${megabytes(bytes)}`)
  return [figure, ...rows.map((row) => `  ${row.trimEnd()}`), `  resident memory after: ${memory.join(', ')}`]
}

function errorText(errors: Record<string, number>): string {
  const texts = Object.entries(errors).map(([what, count]) => `${count} × ${what}`)
  return texts.length === 0 ? '0' : `! ${texts.join(', ')}`
}

function fixed(value: number, digits = 0): string {
  if (!Number.isFinite(value)) return '–'
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

const megabytes = (bytes: number): string => `${fixed(bytes / 2 ** 20)} MB`
const gigabytes = (bytes: number): string => `${fixed(bytes / 2 ** 30)} GB`
