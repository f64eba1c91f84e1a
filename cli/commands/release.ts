import type { Release, ReleaseDetail, ReleaseDiff } from '@agent-studio/client'
import type { Call } from '../frame/call.ts'
import { EXIT, wrongCall, type ExitCode } from '../frame/exit.ts'
import type { ItemView, TableView } from '../output/show.ts'
import { ago } from '../output/words.ts'
import { describeComparison, summarize } from './comparison.ts'
import { findDeployment } from './find.ts'

const releaseTable: TableView<Release> = {
  columns: [
    { title: 'release', value: ({ number }) => number, right: true },
    { title: 'traffic', value: trafficOf },
    { title: 'workflow', value: ({ workflow }) => `${workflow.name} ${workflow.version}` },
    { title: 'made', value: ({ created_at }) => ago(created_at) },
    { title: 'by', value: ({ created_by }) => created_by },
    { title: 'of', value: originOf },
    { title: 'digest', value: ({ digest }) => digest.slice(0, 12) },
    { title: 'note', value: ({ note }) => note },
  ],
  name: ({ number }) => String(number),
  nothing: 'It has no releases.',
}

function trafficOf({ traffic }: Release): string | null {
  return traffic && `${traffic.percent} %${traffic.tag === undefined ? '' : ` (${traffic.tag})`}`
}

function originOf({ made_by, made_from }: Release): string {
  if (made_by === 'deploy' || !made_from) return made_by.replace('_', ' ')
  return `${made_by.replace('_', ' ')} of ${made_from.deployment_name} ${made_from.release} (${made_from.environment})`
}

const releaseItem: ItemView<ReleaseDetail> = {
  name: ({ number }) => String(number),
  lines: (one) => [
    ['release', `${one.number} of ${one.deployment_name} in ${one.environment}${one.live ? ', live' : ''}`],
    ['traffic', trafficOf(one)],
    ['digest', one.digest],
    ['workflow', `${one.workflow.name} ${one.workflow.version}`],
    ['made', `${one.created_at}${one.created_by === null ? '' : ` by ${one.created_by}`}, ${originOf(one)}`],
    ['note', one.note],
    ['settings', one.runtime_config],
    ['secrets', one.references.secrets.join(', ') || null],
    ['variables', one.references.variables.join(', ') || null],
  ],
}

export async function listReleases(call: Call): Promise<void> {
  const name = call.needed('name')
  const { environment } = await findDeployment(call, name)
  const place = { path: { deployment_name: name }, query: { environment, limit: 500 } }
  const rows = await Array.fromAsync(call.studio.list('listReleases', place))
  await call.show.list(rows, releaseTable)
}

export async function getRelease(call: Call): Promise<void> {
  const name = call.needed('name')
  const { environment } = await findDeployment(call, name)
  const number = readNumber(call.needed('number'), 'number')
  const place = { path: { deployment_name: name, number }, query: { environment } }
  await call.show.item(await call.studio.call('getRelease', place), releaseItem)
}

/** Two releases, or one and what serves elsewhere, or one and the draft. 0: they are the same; 1: they differ. */
export async function compareReleases(call: Call): Promise<ExitCode> {
  const name = call.needed('name')
  const { environment, release } = await findDeployment(call, name)
  const [from, to] = readRange(call, release.number)
  const [to_environment, to_name] = [call.option('to-env'), call.option('to-name')]
  const query = {
    environment,
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    ...(to_environment !== undefined && { to_environment }),
    ...(to_name !== undefined && { to_name }),
  }
  const diff = await call.studio.call('compareReleases', { path: { deployment_name: name }, query })
  const lines = [`${sideOf(diff.from)} and ${sideOf(diff.to)}: ${summarize(diff)}.`, ...describeComparison(call.terminal, diff)]
  await call.show.done(diff, lines.join('\n'), diff.identical ? 'identical' : 'different')
  return diff.identical ? EXIT.done : EXIT.no
}

function sideOf({ deployment_name, environment, release }: ReleaseDiff['from']): string {
  return release === null ? 'the draft' : `release ${release} of ${deployment_name} (${environment})`
}

/** `3 5`, `5` (with what is live), or nothing: the release before the live one, and the live one. */
function readRange(call: Call, live: number): [from: number | undefined, to: string | undefined] {
  const [one, other] = [call.arg('from'), call.arg('to')]
  const elsewhere = call.option('to-env') !== undefined || call.option('to-name') !== undefined
  const read = (text: string): string => (text === 'draft' ? text : String(readNumber(text, 'release')))
  if (call.flag('draft')) {
    if (other !== undefined || elsewhere) throw wrongCall('--draft is the other side, so no second one can be named.')
    return [one === undefined ? undefined : readNumber(one, 'from'), 'draft']
  }
  if (one === undefined && elsewhere) return [undefined, undefined]
  if (one === undefined) {
    if (live === 1)
      throw wrongCall('Release 1 is live, and none was before it.', 'Compare it with --draft, or with another environment: --to-env.')
    return [live - 1, String(live)]
  }
  if (other !== undefined) return [readNumber(one, 'from'), read(other)]
  return elsewhere ? [readNumber(one, 'from'), undefined] : [readNumber(one, 'from'), String(live)]
}

export function readNumber(text: string, what: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw wrongCall(`<${what}> is the number of a release, not '${text}'.`)
  return Number(text)
}
