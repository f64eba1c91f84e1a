import { existsSync, statSync } from 'node:fs'
import type { Call } from '../frame/call.ts'
import { EXIT, type ExitCode } from '../frame/exit.ts'
import { toTable } from '../output/table.ts'
import { configPath, credentialsPath } from '../settings/files.ts'
import { version } from '../version.ts'
import { statusStyle } from './views.ts'
import { factsOf } from './whoami.ts'

interface Finding {
  what: string
  state: 'ok' | 'note' | 'not ok'
  text: string
}

/** Looks at everything between this command and the server. What it prints can be pasted anywhere: no secret is in it. */
export async function doctor(call: Call): Promise<ExitCode> {
  const findings: Finding[] = [
    { what: 'agent-studio', state: 'ok', text: `${version}, Node ${process.version}, ${process.platform} ${process.arch}` },
    { what: 'config', state: 'ok', text: existsSync(configPath()) ? configPath() : `${configPath()} is not there, which is fine` },
    ...credentials(),
    ...factsOf(call.settings)
      .filter(({ value, source }) => value !== null || source !== null)
      .map(({ name, value, source }): Finding => ({
        what: name.replace('_', ' '),
        state: value === null ? 'note' : 'ok',
        text: `${value ?? 'none'} (${source})`,
      })),
    ...transport(call),
    ...(await server(call)),
  ]
  const healthy = findings.every(({ state }) => state !== 'not ok')
  if (call.show.isForPrograms) await call.show.done({ healthy, findings }, '', '')
  else {
    const columns = [
      { title: 'what', value: ({ what }: Finding) => what },
      { title: 'state', value: ({ state }: Finding) => state, style: statusStyle(call.terminal) },
      { title: 'finding', value: ({ text }: Finding) => text },
    ]
    call.terminal.line(toTable(findings, columns, Number.POSITIVE_INFINITY))
  }
  if (findings.some(({ what, state }) => what === 'server' && state === 'not ok')) return EXIT.unreachable
  return healthy ? EXIT.done : EXIT.no
}

function credentials(): Finding[] {
  const path = credentialsPath()
  if (!existsSync(path)) return []
  const open = process.platform !== 'win32' && (statSync(path).mode & 0o077) !== 0
  return [{ what: 'credentials', state: open ? 'not ok' : 'ok', text: open ? `others can read ${path}: chmod 600 ${path}` : path }]
}

function transport({ settings: { url, apiKey } }: Call): Finding[] {
  const { protocol, hostname } = new URL(url.value)
  const isHere = ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
  if (protocol === 'https:' || isHere || !apiKey) return []
  return [{ what: 'transport', state: 'note', text: 'the key goes over the network without encryption; use https' }]
}

async function server(call: Call): Promise<Finding[]> {
  const { studio } = call
  const began = performance.now()
  let response: Response
  try {
    response = await studio.transport.ask({ method: 'GET', path: '/healthz' })
  } catch (error) {
    return [{ what: 'server', state: 'not ok', text: (error as Error).message }]
  }
  const ms = Math.round(performance.now() - began)
  return [
    { what: 'server', state: 'ok', text: `answers after ${ms} ms` },
    ...clock(response),
    ...(await look('ready', async () => {
      await studio.transport.ask({ method: 'GET', path: '/readyz' })
      return 'takes work'
    })),
    ...(await look('version', async () => {
      const { info } = (await studio.call('getOpenApi')) as { info: { version: string } }
      return info.version === version ? info.version : `${info.version}, while this command is ${version}`
    })),
    ...(await look('access', async () => {
      const found = await Array.fromAsync(studio.list('listDeployments', { query: { limit: 500 } }))
      return `${found.filter(({ status }) => status === 'active').length} active deployments, ${found.length} in all`
    })),
  ]
}

/** Seconds that two clocks may differ before times look wrong. */
const SKEW = 5

function clock(response: Response): Finding[] {
  const at = Date.parse(response.headers.get('date') ?? '')
  const skew = Math.round((Date.now() - at) / 1_000)
  if (Number.isNaN(at) || Math.abs(skew) <= SKEW) return []
  return [{ what: 'clock', state: 'note', text: `this machine is ${Math.abs(skew)} s ${skew > 0 ? 'ahead of' : 'behind'} the server` }]
}

async function look(what: string, find: () => Promise<string>): Promise<Finding[]> {
  try {
    return [{ what, state: 'ok', text: await find() }]
  } catch (error) {
    return [{ what, state: 'not ok', text: (error as Error).message }]
  }
}
