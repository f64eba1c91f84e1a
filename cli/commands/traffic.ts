import type { Input, Traffic } from '@agent-studio/client'
import type { Call } from '../frame/call.ts'
import { wrongCall } from '../frame/exit.ts'
import { toTable, type Column } from '../output/table.ts'
import { ago } from '../output/words.ts'
import { findDeployment } from './find.ts'

type Routes = Input<'setTraffic'>['body']['routes']
type ShownRoute = Traffic['routes'][number]
/** What a change answers has no statistics. */
type Shown = Pick<Traffic, 'live' | 'guard'> & { routes: (Omit<ShownRoute, 'statistics'> & Partial<ShownRoute>)[] }

export async function getTraffic(call: Call): Promise<void> {
  const name = call.needed('name')
  const { environment } = await findDeployment(call, name)
  const traffic = await call.studio.call('getTraffic', { path: { deployment_name: name }, query: { environment } })
  if (call.show.isForPrograms) return call.show.done(traffic, '', name)
  if (call.show.format === 'name') return traffic.routes.forEach(({ release }) => call.terminal.line(String(release)))
  describe(call, traffic)
}

/** `14=10,13=90`, each with a tag if it is to have one: `14=10:candidate`. */
export async function setTraffic(call: Call): Promise<void> {
  const name = call.needed('name')
  const routes = readRoutes(call.needed('routes'))
  const guard = readGuard(call)
  const { environment } = await findDeployment(call, name)
  const reason = call.option('reason')
  const traffic = await call.studio.call('setTraffic', {
    path: { deployment_name: name },
    body: { environment, routes, ...(guard && { guard }), ...(reason !== undefined && { reason }) },
  })
  if (call.show.isForPrograms) return call.show.done(traffic, '', name)
  call.terminal.say(`Traffic of ${name} in ${environment}, from now on:`)
  describe(call, traffic)
}

/** Everything goes back to the release that the guard goes back to, or else to that with the largest part. */
export async function abortTraffic(call: Call): Promise<void> {
  const name = call.needed('name')
  const { environment } = await findDeployment(call, name)
  const { answer: before, etag } = await call.studio.callWithTag('getTraffic', { path: { deployment_name: name }, query: { environment } })
  const release = before.guard?.back_to ?? before.live
  const reason = call.option('reason') ?? 'aborted'
  const traffic = await call.studio.call(
    'setTraffic',
    { path: { deployment_name: name }, body: { environment, routes: [{ release, percent: 100 }], reason } },
    // Whoever divided it otherwise meanwhile meant something else.
    etag === null ? {} : { headers: { 'if-match': etag } },
  )
  await call.show.done(traffic, `All of ${name} in ${environment} goes to release ${release}.`, name)
}

export async function listChanges(call: Call): Promise<void> {
  const name = call.needed('name')
  const { environment } = await findDeployment(call, name)
  const rows = await call.studio.call('listRouteChanges', {
    path: { deployment_name: name },
    query: { environment, limit: call.number('limit', { least: 1, most: 500 }) ?? 20 },
  })
  const parts = (routes: Routes | null): string | null =>
    routes && routes.map(({ release, percent, tag }) => `${release}=${percent}${tag === undefined ? '' : `:${tag}`}`).join(',')
  await call.show.list(rows, {
    columns: [
      { title: 'number', value: ({ number }) => number, right: true },
      { title: 'when', value: ({ at }) => ago(at) },
      { title: 'kind', value: ({ kind }) => kind },
      { title: 'by', value: ({ by }) => by },
      { title: 'before', value: ({ before }) => parts(before) },
      { title: 'after', value: ({ after }) => parts(after) },
      { title: 'reason', value: ({ reason }) => reason },
    ],
    name: ({ number }) => String(number),
    nothing: 'Nothing has changed it.',
  })
}

function describe(call: Call, { live, guard, routes }: Shown): void {
  const columns: Column<Shown['routes'][number]>[] = [
    { title: 'release', value: ({ release }) => `${release}${release === live ? ' (live)' : ''}` },
    { title: 'percent', value: ({ percent }) => percent, right: true },
    { title: 'tag', value: ({ tag }) => tag },
    { title: 'runs', value: ({ statistics }) => statistics?.executions, right: true },
    {
      title: 'failed',
      value: ({ statistics }) => (typeof statistics?.error_rate === 'number' ? `${(statistics.error_rate * 100).toFixed(1)} %` : null),
      right: true,
    },
    { title: 'p95', value: ({ statistics }) => statistics?.duration_ms && `${statistics.duration_ms.p95} ms`, right: true },
    { title: 'in flight', value: ({ in_flight }) => in_flight, right: true },
    { title: 'digest', value: ({ digest }) => digest.slice(0, 12), wide: true },
  ]
  const shown = columns.filter(({ wide }) => !wide || call.show.format === 'wide')
  call.terminal.line(toTable(routes, shown, call.terminal.width))
  if (!guard) return
  const bounds = [
    guard.max_error_rate !== undefined && `more than ${guard.max_error_rate * 100} % fail`,
    guard.max_p95_ms !== undefined && `the 95th percentile is above ${guard.max_p95_ms} ms`,
    guard.max_cost !== undefined && `one costs more than $${guard.max_cost}`,
  ].filter((one) => one !== false)
  call.terminal.line(`Guarded: back to release ${guard.back_to} where ${bounds.join(', or ')}, of at least ${guard.min_samples}.`)
}

function readRoutes(text: string): Routes {
  return text.split(',').map((part) => {
    const [, release, percent, tag] = /^(\d{1,9})=(\d{1,3}(?:\.\d+)?)(?::([a-z][a-z0-9-]*))?$/.exec(part.trim()) ?? []
    if (release === undefined)
      throw wrongCall(`'${part}' is no route.`, 'Write release=percent, such as 14=10,13=90, and :tag behind it if it has one.')
    return { release: Number(release), percent: Number(percent), ...(tag !== undefined && { tag }) }
  })
}

function readGuard(call: Call): Input<'setTraffic'>['body']['guard'] {
  const bound = (name: string): number | undefined => {
    const text = call.option(name)
    if (text === undefined) return undefined
    const value = Number(text)
    if (text.trim() === '' || !(value >= 0)) throw wrongCall(`--${name} is a number, not '${text}'.`)
    return value
  }
  const percent = bound('max-errors')
  const bounds = {
    ...(percent !== undefined && { max_error_rate: percent / 100 }),
    ...defined('max_p95_ms', bound('max-p95')),
    ...defined('max_cost', bound('max-cost')),
  }
  const [min_samples, back_to] = [call.number('min-samples', { least: 1 }), call.number('back-to', { least: 1 })]
  if (Object.keys(bounds).length === 0) {
    if (min_samples !== undefined || back_to !== undefined) throw wrongCall('A guard needs a bound: --max-errors, --max-p95 or --max-cost.')
    return undefined
  }
  return { ...bounds, min_samples: min_samples ?? 50, ...defined('back_to', back_to) }
}

function defined<Name extends string>(name: Name, value: number | undefined): Partial<Record<Name, number>> {
  return value === undefined ? {} : ({ [name]: value } as Partial<Record<Name, number>>)
}
