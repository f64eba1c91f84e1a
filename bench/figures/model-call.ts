import { agentOf, deploy, executeRequest, startAgentStudio } from '../agent-studio.ts'
import { call } from '../call.ts'
import type { Contender, Figure } from '../figure.ts'
import { toMegabytes, type Value } from '../value.ts'
import { lineOf } from '../measure.ts'
import type { Room, ServerProcess } from '../room.ts'

const SLOW_MS = 200

/** All contenders of a run call the same model server. */
const stubs = new WeakMap<Room, Map<number, Promise<ServerProcess>>>()

function stubOf(room: Room, delayMs: number): Promise<ServerProcess> {
  const ofRoom = stubs.get(room) ?? new Map<number, Promise<ServerProcess>>()
  stubs.set(room, ofRoom)
  const stub = ofRoom.get(delayMs) ?? room.startServer(new URL('../servers/stub-model.ts', import.meta.url), { args: [String(delayMs)] })
  ofRoom.set(delayMs, stub)
  return stub
}

async function baseUrl(room: Room, delayMs: number): Promise<{ OPENAI_BASE_URL: string }> {
  return { OPENAI_BASE_URL: `http://127.0.0.1:${(await stubOf(room, delayMs)).port}/v1` }
}

async function check(port: number, request: { path: string; body?: unknown }): Promise<void> {
  const { response, tokens } = await call(port, 'POST', request.path, request.body)
  const { total } = tokens as { total: number }
  if (response !== 'It is a quarter past nine in Lisbon.' || total !== 23) throw new Error(`the stub's answer came as ${String(response)}`)
}

function onAgentStudio(delayMs: number): Contender {
  return {
    name: 'Agent Studio',
    prepare: async (room) => {
      const server = await startAgentStudio(room, room.makeFolder(), { env: await baseUrl(room, delayMs) })
      const request = await deploy(server.port, 'call', agentOf('openai/stub'))
      await check(server.port, request)
      return { server, request }
    },
  }
}

function onServer(name: string, module: URL, delayMs: number): Contender {
  return {
    name,
    prepare: async (room) => {
      const server = await room.startServer(module, { env: await baseUrl(room, delayMs) })
      const request = executeRequest('call')
      await check(server.port, request)
      return { server, request }
    },
  }
}

const oneFetch = (delayMs: number): Contender =>
  onServer('Fastify, one fetch', new URL('../servers/one-fetch.ts', import.meta.url), delayMs)
const subject = onAgentStudio(0)
const streamText = onServer('AI SDK behind Fastify', new URL('../servers/ai-sdk.ts', import.meta.url), 0)

const stubItself: Contender = {
  name: 'the model server itself',
  prepare: async (room) => ({
    server: await stubOf(room, 0),
    request: { path: '/v1/chat/completions', body: { model: 'stub', stream: true, messages: [] } },
  }),
}

/** A call of a model server that answers at once, with nine pieces of text. */
export const modelCall: Figure = {
  name: 'one model call',
  subject,
  beside: [streamText, oneFetch(0), stubItself],
  judge: (measured) => {
    const line = lineOf(measured, subject, 32)
    const memory = measured.lines.filter(({ contender, connections }) => contender === subject.name && connections >= 32)
    return [
      { what: 'executions at 32 connections', value: line?.requestsPerSecond, unit: '/s', atLeast: 1_200 },
      { what: '… of the AI SDK behind Fastify', value: lineOf(measured, streamText, 32)?.subjectShare, unit: ':1', atLeast: 0.8 },
      ...memory.map(({ connections, rssMaxBytes }): Value => {
        return { what: `memory under load at ${connections} connections`, value: toMegabytes(rssMaxBytes), unit: 'MB', atMost: 200 }
      }),
    ]
  },
}

const slowSubject = onAgentStudio(SLOW_MS)

/** Waiting costs nothing: 32 connections get at most 160 answers a second. */
export const slowModelCall: Figure = {
  name: `one model call of ${SLOW_MS} ms`,
  subject: slowSubject,
  beside: [oneFetch(SLOW_MS)],
  connections: [32],
  leastSeconds: 2,
  judge: (measured) => [
    {
      what: 'executions at 32 connections, of 160 possible',
      value: lineOf(measured, slowSubject, 32)?.requestsPerSecond,
      unit: '/s',
      atLeast: 150,
    },
  ],
}
