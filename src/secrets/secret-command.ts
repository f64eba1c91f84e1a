import { setTimeout as delay } from 'node:timers/promises'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { systemClock } from '../clock.ts'
import { loadEnvFile, readDataDir, readSecretKeyFile } from '../config.ts'
import { StudioError } from '../errors.ts'
import { StartRefused } from '../start-refused.ts'
import { LocalStore } from '../store/sqlite/local-store.ts'
import { KeyFile, KeyFileUnusable, LOOK_EVERY_MS } from './key-file.ts'
import { addKey, makeKeyFile } from './make-key-file.ts'
import { keysInUse, secretCommands } from './repository.ts'
import { rotateSecrets, type Rotation } from './rotate.ts'

const usage = `Usage:
  agent-studio secret keygen [--add] <file>
  agent-studio secret keys [--json]
  agent-studio secret rotate [--json]`

/** The call makes no sense. */
class WrongCall extends Error {}

/**
 * Runs `agent-studio secret` on the data folder itself, whether a server runs on it or not.
 * @returns what the process exits with: 0 done, 1 refused or not all of it could be done, with the reason on stderr, 2 a wrong call
 */
export async function runSecret([action, ...args]: readonly string[]): Promise<0 | 1 | 2> {
  try {
    loadEnvFile()
    if (action === 'keygen') return keygen(args)
    if (action === 'keys') return await keys(args)
    if (action === 'rotate') return await rotate(args)
    throw new WrongCall(action === undefined ? 'Say what to do.' : `'${action}' is nothing that can be done with secrets here.`)
  } catch (error) {
    if (error instanceof WrongCall) {
      console.error(`${error.message}\n\n${usage}`)
      return 2
    }
    if (!(error instanceof StartRefused || error instanceof StudioError)) throw error
    console.error(error.message)
    return 1
  }
}

function keygen(args: readonly string[]): 0 {
  const { values, positionals } = read(args, { add: { type: 'boolean', default: false } }, 1)
  const path = resolve(positionals[0]!)
  const id = values['add'] ? usable(path, () => addKey(path, new Date())) : makeKeyFile(path, new Date())
  console.log(id)
  console.error(
    values['add']
      ? `It is the first key of ${path} now. Run agent-studio secret rotate, and then take out the keys that nothing is encrypted with any more.`
      : `Set AGENT_STUDIO_SECRET_KEY_FILE=${path} and start the server again. Keep a copy of the file apart from your backups: without it no secret can be read.`,
  )
  return 0
}

interface KeyState {
  key_id: string
  /** `first` encrypts, `further` only decrypts, `missing` is in the database and not in the file. */
  state: 'first' | 'further' | 'missing'
  secrets: number
}

async function keys(args: readonly string[]): Promise<0 | 1> {
  const { values } = read(args, { json: { type: 'boolean' } }, 0)
  const file = openKeyFile()
  const used = await withStore(async (store) => new Map((await keysInUse(store.read)).map(({ key_id, count }) => [key_id, count])))
  const states: KeyState[] = [
    ...file.ids.map((key_id, index) => ({
      key_id,
      state: index === 0 ? ('first' as const) : ('further' as const),
      secrets: used.get(key_id) ?? 0,
    })),
    ...[...used]
      .filter(([key_id]) => !file.ids.includes(key_id))
      .map(([key_id, secrets]) => ({ key_id, state: 'missing' as const, secrets })),
  ]
  for (const { key_id, state, secrets } of values['json'] ? [] : states) {
    console.log(`${key_id}  ${state.padEnd(7)}  ${secrets} ${secrets === 1 ? 'secret' : 'secrets'}${advice(state, secrets)}`)
  }
  if (values['json']) console.log(JSON.stringify(states))
  return states.some(({ state }) => state === 'missing') ? 1 : 0
}

function advice(state: KeyState['state'], secrets: number): string {
  if (state === 'missing') return ', which cannot be read until it is in the file again'
  return state === 'further' && secrets === 0 ? ', so it can be taken out of the file' : ''
}

async function rotate(args: readonly string[]): Promise<0 | 1> {
  const { values } = read(args, { json: { type: 'boolean' } }, 0)
  const file = openKeyFile()
  const rotation = await withStore(async (store): Promise<Rotation> => {
    const first = await rotateSecrets({ store, clock: systemClock, keys: file })
    // A server that runs may have stored something with the key of before until it has seen the new one.
    await delay(LOOK_EVERY_MS + 100)
    const second = await rotateSecrets({ store, clock: systemClock, keys: file })
    return { ...second, rotated: first.rotated + second.rotated }
  })
  if (values['json']) console.log(JSON.stringify(rotation))
  else describe(rotation)
  return rotation.unreadable.length > 0 ? 1 : 0
}

function describe({ key_id, rotated, unreadable, keys_in_use }: Rotation): void {
  console.log(`${rotated} ${rotated === 1 ? 'secret was' : 'secrets were'} encrypted anew with key ${key_id}.`)
  for (const one of unreadable) {
    const why = one.why === 'no_key' ? `its key ${one.key_id} is not in the file` : 'what is stored was damaged or changed'
    console.error(`${one.name} of ${one.environment} stays as it is: ${why}.`)
  }
  const others = keys_in_use.filter((one) => one.key_id !== key_id)
  if (others.length === 0) console.log('The other keys can be taken out of the file.')
  else console.error(`These keys are still needed: ${others.map((one) => one.key_id).join(', ')}.`)
}

function openKeyFile(): KeyFile {
  const path = readSecretKeyFile(process.env)
  if (path === undefined) {
    throw new StartRefused('AGENT_STUDIO_SECRET_KEY_FILE is not set. Run this with the settings that the server has, in its folder.')
  }
  return usable(resolve(path), () => new KeyFile(path))
}

function usable<Result>(path: string, open: () => Result): Result {
  try {
    return open()
  } catch (error) {
    throw error instanceof KeyFileUnusable ? new StartRefused(`The key file ${path} ${error.message}.`) : error
  }
}

async function withStore<Result>(use: (store: LocalStore) => Promise<Result>): Promise<Result> {
  const store = await LocalStore.open(readDataDir(process.env), secretCommands)
  try {
    return await use(store)
  } finally {
    store.close()
  }
}

function read(args: readonly string[], options: Record<string, { type: 'boolean'; default?: boolean }>, count: number) {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: count > 0 })
    if (positionals.length !== count) throw new WrongCall(count === 1 ? 'Name one file.' : 'This takes no further argument.')
    return { values, positionals }
  } catch (error) {
    throw error instanceof WrongCall ? error : new WrongCall((error as Error).message)
  }
}
