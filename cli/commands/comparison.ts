import type { DefinitionDifference, Difference, Kind } from '../../src/comparison/comparison.ts'
import type { Call } from '../frame/call.ts'
import { EXIT, type ExitCode } from '../frame/exit.ts'
import { harmless, harmlessInColours, type Terminal } from '../output/terminal.ts'
import { count } from '../output/words.ts'

/** Two releases, or a draft and a release, as the server compares them; a file and a draft as we do. */
export interface Comparison extends DefinitionDifference {
  identical: boolean
  runtime_config: Difference[]
  references?: { secrets: Changes; variables: Changes }
}

interface Changes {
  added: string[]
  removed: string[]
}

const SIGNS: Record<Kind | 'reordered', string> = { added: '+', removed: '-', changed: '~', reordered: '~' }
const COLORS = { '+': 'green', '-': 'red', '~': 'yellow' } as const

/** For people: what is added, removed and changed, node by node, texts line by line. */
export function describeComparison(terminal: Terminal, comparison: Comparison): string[] {
  const { nodes, connections, settings, runtime_config, references, truncated } = comparison
  const mark = (change: Kind | 'reordered', text: string): string => {
    const sign = SIGNS[change]
    return terminal.style(COLORS[sign as '+'], `${sign} ${text}`)
  }
  const within = (steps: readonly string[] | undefined): string => (steps ? ` (within ${steps.join(', ')})` : '')
  return [
    ...nodes.flatMap((one) => [
      mark(one.change, `${one.node} ${one.id}${one.type === null ? '' : ` (${one.type})`}${within(one.within)}`),
      ...(one.change === 'changed' ? one.differences.flatMap((difference) => describe(terminal, difference, one.pointer)) : []),
    ]),
    ...connections.flatMap((one) => [
      mark(one.change, `connection ${one.source} → ${one.target} (${one.connection_type})${within(one.within)}`),
      ...(one.change === 'changed' ? one.differences.flatMap((difference) => describe(terminal, difference, one.pointer)) : []),
    ]),
    ...settings.flatMap((one) => describe(terminal, one, '', mark(one.change, 'workflow '))),
    ...runtime_config.flatMap((one) => describe(terminal, one, '', mark(one.change, 'runtime_config '))),
    ...(references
      ? [...named('secret', references.secrets), ...named('variable', references.variables)].map(([change, text]) => mark(change, text))
      : []),
    ...(truncated ? ['… there is more than is shown here.'] : []),
  ].map(harmlessInColours)
}

function named(what: string, { added, removed }: Changes): ['added' | 'removed', string][] {
  return [
    ...added.map((name): ['added', string] => ['added', `${what} ${name}`]),
    ...removed.map((name): ['removed', string] => ['removed', `${what} ${name}`]),
  ]
}

function describe(
  terminal: Terminal,
  { pointer, change, before, after, diff, truncated }: Difference,
  from: string,
  lead = '    ',
): string[] {
  const place = pointer.startsWith(from) ? pointer.slice(from.length) || '/' : pointer
  const more = truncated ? ' …' : ''
  if (diff !== undefined)
    return [
      `${lead}${place}:`,
      ...diff
        .trimEnd()
        .split('\n')
        // `\ No newline at end of file` is of no interest in a prompt.
        .filter((line) => !line.startsWith('\\'))
        .map((line) => `      ${coloured(terminal, harmless(line))}`),
    ]
  if (change === 'reordered') return [`${lead}${place}: in another order`]
  if (change === 'added') return [`${lead}${place}: ${value(after)} (new)${more}`]
  if (change === 'removed') return [`${lead}${place}: ${value(before)} (gone)${more}`]
  return [`${lead}${place}: ${value(before)} → ${value(after)}${more}`]
}

function coloured(terminal: Terminal, line: string): string {
  if (line.startsWith('+')) return terminal.style('green', line)
  return line.startsWith('-') ? terminal.style('red', line) : line
}

function value(one: unknown): string {
  return one === undefined ? '…' : harmless(JSON.stringify(one))
}

export function summarize({ counts: { nodes, connections, settings }, runtime_config }: Comparison): string {
  const parts = [
    ...changes(nodes, 'node'),
    ...changes(connections, 'connection'),
    ...(settings > 0 ? [count(settings, 'setting')] : []),
    ...(runtime_config.length > 0 ? [`${count(runtime_config.length, 'difference')} in the runtime configuration`] : []),
  ]
  return parts.length === 0 ? 'nothing differs' : parts.join(', ')
}

function changes({ added, removed, changed }: { added: number; removed: number; changed: number }, what: string): string[] {
  return [
    ...(added > 0 ? [`${count(added, what)} added`] : []),
    ...(removed > 0 ? [`${count(removed, what)} removed`] : []),
    ...(changed > 0 ? [`${count(changed, what)} changed`] : []),
  ]
}

/** What a dry run of a deploy or a promotion answers. */
export interface Rehearsal {
  valid: boolean
  errors: { pointer: string; message: string }[]
  warnings: { pointer?: string; message: string }[]
  unchanged: boolean
  needs_approval: boolean
  release: { number: number } | null
  /** Null where nothing serves yet, or nothing could be made. */
  diff: Comparison | null
  in_flight: { queued: number; running: number; waiting: number }
  checklist?: { check: string; ok: boolean; detail?: string; message?: string }[]
}

/** 0: it would be done; 1: it would be refused. */
export async function showRehearsal(call: Call, rehearsal: Rehearsal, what: string): Promise<ExitCode> {
  const { valid, errors, warnings, diff, in_flight, unchanged, release, needs_approval } = rehearsal
  const lines = [
    headline(rehearsal, what),
    ...(diff && !unchanged ? describeComparison(call.terminal, diff) : []),
    ...errors.map(({ pointer, message }) => `error ${pointer}: ${message}`),
    ...warnings.map(({ pointer = '', message }) => `warning ${pointer}: ${message}`),
    ...(release && !unchanged ? [`${count(in_flight.queued + in_flight.running + in_flight.waiting, 'execution')} in flight.`] : []),
    ...(needs_approval ? ['A second key would have to approve it.'] : []),
    'Nothing was changed.',
  ]
  await call.show.done(rehearsal, lines.join('\n'), what)
  return valid ? EXIT.done : EXIT.no
}

function headline({ unchanged, release, diff, valid }: Rehearsal, what: string): string {
  if (!valid) return `${what}: this would be refused.`
  if (unchanged) return `${what} would stay as it is: release ${release?.number} is the same.`
  return diff
    ? `${what} would become release ${release?.number}: ${summarize(diff)}.`
    : `${what} would be new, with release ${release?.number}.`
}
