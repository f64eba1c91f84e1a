import { parseArgs, type ParseArgsOptionsConfig } from 'node:util'
import { systemClock } from '../clock.ts'
import { loadEnvFile, readDataDir, readEnvironments } from '../config.ts'
import { LastKey, StudioError, type Issue } from '../errors.ts'
import type { KeyLimits } from '../limits/rate.ts'
import { StartRefused } from '../start-refused.ts'
import { LocalStore, type LocalStoreOptions } from '../store/sqlite/local-store.ts'
import { everywhere, SCOPES, type Scope } from './caller.ts'
import { checkLimits } from './check-new-key.ts'
import { readExpiry } from './expiry.ts'
import { isScope } from './key.ts'
import { keyIdOf, makeKey } from './key-text.ts'
import { accessCommands, anyKeyKept, createKey, isAdministered, listKeys, revokeKey, type KeyRecord, type NewKey } from './repository.ts'
import { toKeyTable } from './key-table.ts'
import { toKeyView } from './view.ts'

const usage = `Usage:
  agent-studio key create [--name <text>] [--scopes <list>] [--environments <list>] [--deployments <pattern>] [--expires <when>]
                          [--rate-limit <requests>/<seconds>] [--concurrency <executions>] [--json]
  agent-studio key list [--json]
  agent-studio key revoke <id> [--last] [--json]

A list has commas between its parts. Scopes: ${SCOPES.join(', ')} (default: admin, which includes the others).
A pattern is for names of deployments, such as 'support-*'. Without environments and pattern the key is for all of them.
It expires after 12h, 90d, 4w or 1y, or at a time such as 2030-01-31; without --expires never.`

/** The call makes no sense. */
class WrongCall extends Error {}

/**
 * Runs `agent-studio key` on the data folder itself, whether a server runs on it or not.
 * @returns what the process exits with: 0 done, 1 refused with the reason on stderr, 2 a wrong call
 */
export async function runKey([action, ...args]: readonly string[]): Promise<0 | 1 | 2> {
  try {
    loadEnvFile()
    if (action === 'create') await create(args)
    else if (action === 'list') await list(args)
    else if (action === 'revoke') await revoke(args)
    else throw new WrongCall(action === undefined ? 'Say what to do with keys.' : `'${action}' is nothing that can be done with keys.`)
    return 0
  } catch (error) {
    if (error instanceof WrongCall) {
      console.error(`${error.message}\n\n${usage}`)
      return 2
    }
    if (!(error instanceof StartRefused || (error instanceof StudioError && error.status < 500))) throw error
    console.error(error.message)
    return 1
  }
}

const createOptions = {
  name: { type: 'string' },
  scopes: { type: 'string', multiple: true },
  environments: { type: 'string', multiple: true },
  deployments: { type: 'string' },
  expires: { type: 'string' },
  'rate-limit': { type: 'string' },
  concurrency: { type: 'string' },
  json: { type: 'boolean' },
} as const

/** The key alone goes to the standard output, so that a script can take it; what a person should know goes beside it. */
async function create(args: readonly string[]): Promise<void> {
  const { values } = read(args, createOptions, 0)
  const now = systemClock.now()
  const wanted = readWanted(values, now)
  await withStore({ create: true }, async (store) => {
    const isFirst = !(await anyKeyKept(store.read))
    const made = makeKey()
    const record = await store.write(createKey, { ...made, ...wanted, must_leave_admin: false, now })
    if (values.json) console.log(JSON.stringify({ ...toKeyView(record, now), key: made.key }))
    else console.log(made.key)
    if (!values.json) console.error(describe(record, now))
    if (isFirst) console.error('From now on every request needs a key: -H "Authorization: Bearer <key>". A server that runs knows already.')
    if (!(await isAdministered(store.read, now))) {
      console.error("No key has the scope 'admin', so keys can be managed by this command alone.")
    }
  })
}

type Given<Options extends ParseArgsOptionsConfig> = ReturnType<typeof parseArgs<{ options: Options }>>['values']

function readWanted(values: Given<typeof createOptions>, now: number): Omit<NewKey, 'key_id' | 'key' | 'must_leave_admin' | 'now'> {
  const name = values.name?.trim() ?? 'made on the command line'
  if (name === '' || name.length > 200) throw new WrongCall('A name has 1 to 200 characters.')
  const environments = values.environments && parts(values.environments)
  const expires_at = values.expires === undefined ? undefined : readExpiry(values.expires, now)
  if (expires_at === null) throw new WrongCall(`--expires is '${values.expires}', but it is a time to come: 90d, or 2030-01-31.`)
  const wanted = {
    name,
    scopes: readScopes(values.scopes),
    environments,
    deployment_pattern: values.deployments,
    expires_at,
    limits: readLimits(values),
  }
  const [issue] = checkLimits(wanted, readEnvironments(process.env), now)
  if (issue) throw new WrongCall(toOption(issue))
  return wanted
}

function readLimits({ 'rate-limit': rate, concurrency }: Given<typeof createOptions>): KeyLimits {
  const [, requests, seconds] = /^([1-9]\d{0,5}|1000000)\/([1-9]\d{0,4})$/.exec(rate ?? '') ?? []
  if (rate !== undefined && !(Number(seconds) <= 86_400)) {
    throw new WrongCall('--rate-limit is so many requests in so many seconds, such as 600/60; at most 1000000 and 86400.')
  }
  if (concurrency !== undefined && !/^([1-9]\d{0,5}|1000000)$/.test(concurrency)) {
    throw new WrongCall('--concurrency is a number of executions, from 1 to 1000000.')
  }
  return {
    rate_limit: rate === undefined ? null : { requests: Number(requests), seconds: Number(seconds) },
    concurrency: concurrency === undefined ? null : Number(concurrency),
  }
}

function readScopes(given: string[] | undefined): Scope[] {
  const scopes = given ? parts(given) : ['admin']
  const odd = scopes.find((scope) => !isScope(scope))
  if (odd !== undefined || scopes.length === 0) throw new WrongCall(`'${odd ?? ''}' is no scope.`)
  return scopes.filter(isScope)
}

/** The messages are about the fields of the API. */
function toOption({ message }: Issue): string {
  return message.replace("'expires_at'", '--expires')
}

async function list(args: readonly string[]): Promise<void> {
  const { values } = read(args, { json: { type: 'boolean' } }, 0)
  await withStore({}, async (store) => {
    const now = systemClock.now()
    const keys = (await listKeys(store.read, everywhere, { now })).map((record) => toKeyView(record, now))
    if (values.json) console.log(JSON.stringify(keys))
    else if (keys.length === 0) console.error('There are no keys. Make one with: agent-studio key create')
    else console.log(toKeyTable(keys))
  })
}

async function revoke(args: readonly string[]): Promise<void> {
  const { values, positionals } = read(args, { last: { type: 'boolean' }, json: { type: 'boolean' } }, 1)
  const given = positionals[0]!
  // Somebody may paste the key itself.
  const key_id = keyIdOf(given) ?? given
  await withStore({}, async (store) => {
    const now = systemClock.now()
    const must_leave = values.last ? 'nothing' : 'any'
    const record = await store.write(revokeKey, { key_id, reach: everywhere, must_leave, now }).catch((error: unknown) => {
      throw error instanceof LastKey ? new StartRefused(lastKey(key_id)) : error
    })
    if (values.json) return console.log(JSON.stringify(toKeyView(record, now)))
    console.log(`Revoked '${record.name}' (${key_id}). Nobody can use it any more.`)
    if (!(await anyKeyKept(store.read)))
      console.error('There are no keys any more: a server on loopback is open to everybody on its machine.')
    else if (!(await isAdministered(store.read, now)))
      console.error("No key has the scope 'admin', so keys can be managed by this command alone.")
  })
}

function lastKey(key_id: string): string {
  return `'${key_id}' is the last key. Without any, a server on loopback is open to everybody on its machine, and to whoever a proxy lets through. Make another first (agent-studio key create), or add --last if that is what you want.`
}

function describe(record: KeyRecord, now: number): string {
  const { key_id, name, scopes, environments, deployment_pattern, expires_at } = toKeyView(record, now)
  const where = environments === null ? 'all environments' : environments.join(', ')
  const names = deployment_pattern === null ? '' : `, deployments named '${deployment_pattern}'`
  const until = expires_at === null ? 'without an end' : `until ${expires_at}`
  return `This is key ${key_id}, '${name}': ${scopes.join(', ')}; ${where}${names}; ${until}. It is shown this once.`
}

function read<Options extends ParseArgsOptionsConfig>(args: readonly string[], options: Options, positionals: number) {
  try {
    const parsed = parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
    if (parsed.positionals.length === positionals) return parsed
  } catch (error) {
    throw new WrongCall((error as Error).message)
  }
  throw new WrongCall(positionals === 0 ? 'That is more than is needed.' : 'Say which key: its id, as `key list` shows it.')
}

function parts(texts: readonly string[]): string[] {
  return texts.flatMap((text) => text.split(',')).map((part) => part.trim())
}

async function withStore(options: LocalStoreOptions, work: (store: LocalStore) => Promise<void>): Promise<void> {
  const store = await LocalStore.open(readDataDir(process.env), accessCommands, options)
  try {
    await work(store)
  } finally {
    store.close()
  }
}
