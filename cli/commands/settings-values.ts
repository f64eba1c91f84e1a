import type { Secret, Variable } from '@agent-studio/client'
import type { Call } from '../frame/call.ts'
import { wrongCall } from '../frame/exit.ts'
import { ago } from '../output/words.ts'
import { readInput, readStdin } from './inputs.ts'
import { secretTable, variableTable } from './views.ts'

function placeOf(call: Call): { environment: string; name: string } {
  const { environment } = call
  if (environment === undefined) throw wrongCall('Say in which environment: --env <environment>.')
  return { environment, name: call.needed('name') }
}

function queryOf(call: Call): { environment?: string; q?: string; limit: number } {
  const { environment } = call
  const q = call.arg('text')
  return { limit: 500, ...(environment !== undefined && { environment }), ...(q !== undefined && { q }) }
}

export async function listSecrets(call: Call): Promise<void> {
  await call.show.list(await Array.fromAsync(call.studio.list('listSecrets', { query: queryOf(call) })), secretTable)
}

/** The value comes from the standard input or a file, since arguments are seen by everybody on the machine and kept by the shell. */
export async function setSecret(call: Call): Promise<void> {
  const path = placeOf(call)
  const file = call.option('file')
  const text = file === undefined ? await readStdin('The secret') : await readInput(file, 'The secret')
  // An editor, and `echo`, end a line that is not meant.
  const secret: Secret = await call.studio.call('putSecret', { path, body: { value: text.replace(/\r?\n$/, '') } }, onlyNew(call))
  await call.show.done(secret, `Stored ${secret.name} in ${secret.environment} (version ${secret.version}).`, secret.name)
}

export async function deleteSecret(call: Call): Promise<void> {
  const path = placeOf(call)
  if (!call.flag('yes'))
    await call.terminal.confirmByName(`This deletes the secret ${path.name} of ${path.environment}; it cannot be undone.`, path.name)
  const answer = await call.studio.call('deleteSecret', { path, query: { ...(call.flag('force') && { force: true }) } })
  await call.show.done(answer, `Deleted ${path.name} of ${path.environment}.`, path.name)
}

export async function listVariables(call: Call): Promise<void> {
  await call.show.list(await Array.fromAsync(call.studio.list('listVariables', { query: queryOf(call) })), variableTable)
}

export async function getVariable(call: Call): Promise<void> {
  const variable: Variable = await call.studio.call('getVariable', { path: placeOf(call) })
  // The value alone, so that a script can take it.
  await call.show.done(variable, variable.value, variable.name)
  call.terminal.say(`Version ${variable.version}, changed ${ago(variable.updated_at)}.`)
}

export async function setVariable(call: Call): Promise<void> {
  const path = placeOf(call)
  const [given, file] = [call.arg('value'), call.option('file')]
  if (given !== undefined && file !== undefined) throw wrongCall('The value is given twice: as an argument and with --file.')
  const value = given ?? (file === undefined ? await readStdin('The value') : await readInput(file, 'The value')).replace(/\r?\n$/, '')
  const variable = await call.studio.call('putVariable', { path, body: { value } }, onlyNew(call))
  await call.show.done(variable, `Stored ${variable.name} in ${variable.environment} (version ${variable.version}).`, variable.name)
}

function onlyNew(call: Call): { headers?: Record<string, string> } {
  return call.flag('new') ? { headers: { 'if-none-match': '*' } } : {}
}

export async function deleteVariable(call: Call): Promise<void> {
  const path = placeOf(call)
  if (!call.flag('yes')) await call.terminal.confirmByName(`This deletes the variable ${path.name} of ${path.environment}.`, path.name)
  const answer = await call.studio.call('deleteVariable', { path, query: { ...(call.flag('force') && { force: true }) } })
  await call.show.done(answer, `Deleted ${path.name} of ${path.environment}.`, path.name)
}
