import { deployAgent, executeRequest, startAgentStudio } from '../agent-studio.ts'
import { call } from '../call.ts'
import type { Contender, Figure } from '../figure.ts'
import type { Room, ServerProcess } from '../room.ts'

const stubs = new WeakMap<Room, Promise<ServerProcess>>()

/** All contenders of a run call the same model server. */
function stubOf(room: Room): Promise<ServerProcess> {
  const stub = stubs.get(room) ?? room.startServer(new URL('../servers/stub-model.ts', import.meta.url))
  stubs.set(room, stub)
  return stub
}

async function baseUrl(room: Room): Promise<{ OPENAI_BASE_URL: string }> {
  return { OPENAI_BASE_URL: `http://127.0.0.1:${(await stubOf(room)).port}/v1` }
}

async function check(port: number, request: { path: string; body: unknown }): Promise<void> {
  const { response, tokens } = await call(port, 'POST', request.path, request.body)
  const { total } = tokens as { total: number }
  if (response !== 'It is a quarter past nine in Lisbon.' || total !== 23) throw new Error(`the stub's answer came as ${String(response)}`)
}

const subject: Contender = {
  name: 'Agent Studio',
  prepare: async (room) => {
    const server = await startAgentStudio(room, room.makeFolder(), await baseUrl(room))
    const request = await deployAgent(server.port, 'call', 'openai/stub')
    await check(server.port, request)
    return { server, request }
  },
}

const oneFetch: Contender = {
  name: 'Fastify, one fetch',
  prepare: async (room) => {
    const server = await room.startServer(new URL('../servers/one-fetch.ts', import.meta.url), { env: await baseUrl(room) })
    const request = executeRequest('call')
    await check(server.port, request)
    return { server, request }
  },
}

const stubItself: Contender = {
  name: 'the model server itself',
  prepare: async (room) => ({
    server: await stubOf(room),
    request: { path: '/v1/chat/completions', body: { model: 'stub', stream: true, messages: [] } },
  }),
}

/** A call of a model server that answers at once, with nine pieces of text. */
export const modelCall: Figure = { name: 'execute a model call', subject, beside: [oneFetch, stubItself] }
