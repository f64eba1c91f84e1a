import type { Call } from '../frame/call.ts'
import { wrongCall } from '../frame/exit.ts'
import { harmless } from '../output/terminal.ts'
import { parseJson, readInput } from './inputs.ts'

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']

/** Any request, with the address and the key of the settings. */
export async function callApi(call: Call): Promise<void> {
  const method = call.needed('method').toUpperCase()
  const path = call.needed('path')
  if (!METHODS.includes(method)) throw wrongCall(`'${method}' is none of ${METHODS.join(', ')}.`, 'agent-studio api GET /api/workflows')
  if (!path.startsWith('/')) throw wrongCall(`'${path}' is no path of the API.`, `It begins with a slash: /${path}`)
  const body = await readBody(call)
  const headers = Object.fromEntries(call.options('header').map(readHeader))
  const response = await call.studio.request({ method, path, headers, ...(body !== undefined && { body }) })
  if (call.flag('include')) {
    for (const [name, value] of response.headers) call.terminal.say(`${name}: ${value}`)
    call.terminal.say('')
  }
  if (response.headers.get('content-type')?.startsWith('text/event-stream')) return pass(call, response)
  const text = await response.text()
  if (text === '') return
  const isJson = /^application\/([\w.-]+\+)?json\b/.test(response.headers.get('content-type') ?? '')
  if (isJson && call.show.format === 'yaml') return call.show.done(JSON.parse(text), '', '')
  const shown = isJson && (call.terminal.isTerminal || call.show.format === 'json') ? JSON.stringify(JSON.parse(text), null, 2) : text
  call.terminal.line(shown.replace(/\n$/, ''))
}

async function pass(call: Call, response: Response): Promise<void> {
  const decoder = new TextDecoder()
  for await (const chunk of response.body!) {
    const text = decoder.decode(chunk, { stream: true })
    call.terminal.write(call.terminal.isTerminal ? harmless(text) : text)
  }
}

async function readBody(call: Call): Promise<unknown> {
  const given = call.option('data')
  if (given === undefined) return undefined
  const text = given === '-' || given.startsWith('@') ? await readInput(given === '-' ? given : given.slice(1), 'The body') : given
  return parseJson(text, '--data')
}

function readHeader(text: string): [string, string] {
  const [, name, value] = /^([\w-]+):\s*(.*)$/.exec(text) ?? []
  if (name === undefined) throw wrongCall(`--header ${text} is not understood.`, '--header "If-Match: …"')
  return [name, value!]
}
