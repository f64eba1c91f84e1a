import { deployAgent, executeRequest, question, startAgentStudio } from '../agent-studio.ts'
import { call } from '../call.ts'
import type { Contender, Figure } from '../figure.ts'

const subject: Contender = {
  name: 'Agent Studio',
  prepare: async (room) => {
    const server = await startAgentStudio(room, room.makeFolder())
    const request = await deployAgent(server.port, 'echo', 'demo/echo')
    const { response } = await call(server.port, 'POST', request.path, request.body)
    if (response !== question) throw new Error(`demo/echo answered ${String(response)}`)
    return { server, request }
  },
}

const atOnce: Contender = {
  name: 'Fastify, answers at once',
  prepare: async (room) => {
    const server = await room.startServer(new URL('../servers/at-once.ts', import.meta.url))
    return { server, request: executeRequest('echo') }
  },
}

/** The price of recording: the model costs nothing. */
export const echo: Figure = { name: 'execute demo/echo', subject, beside: [atOnce] }
