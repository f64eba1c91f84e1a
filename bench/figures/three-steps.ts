import { chmodSync } from 'node:fs'
import { executeRequest } from '../agent-studio.ts'
import { call } from '../call.ts'
import type { Contender, Figure } from '../figure.ts'
import { toMegabytes, type Value } from '../value.ts'
import { lineOf } from '../measure.ts'
import { threeStepsOnAgentStudio, threeStepsWithoutJournal as withoutJournal } from '../three-steps.ts'

const subject = threeStepsOnAgentStudio('Agent Studio', (room) => room.makeFolder())

const dbos: Contender = {
  name: 'DBOS behind Fastify',
  prepare: async (room) => {
    const folder = room.makeFolder()
    chmodSync(folder, 0o755)
    const server = await room.startServer(new URL('../servers/dbos.ts', import.meta.url), { folder, endWith: 'SIGTERM' })
    const request = executeRequest('three-steps')
    const { response } = await call(server.port, 'POST', request.path, request.body)
    if (!String(response).startsWith('Answered: ')) throw new Error(`DBOS answered ${String(response)}`)
    return { server, request }
  },
}

const atOnce: Contender = {
  name: 'Fastify, answers at once',
  prepare: async (room) => {
    const server = await room.startServer(new URL('../servers/at-once.ts', import.meta.url))
    return { server, request: executeRequest('three-steps') }
  },
}

const goals = [
  { connections: 32, perSecond: 5_000, ofUnrecorded: 0.3 },
  { connections: 128, perSecond: 9_000, ofUnrecorded: 0.5 },
]

/** The price of recording: the steps cost nothing. */
export const threeSteps: Figure = {
  name: 'three recorded steps',
  subject,
  beside: [withoutJournal, dbos, atOnce],
  judge: (measured) =>
    goals.flatMap(({ connections, perSecond, ofUnrecorded }): Value[] => {
      const where = `at ${connections} connections`
      const line = lineOf(measured, subject, connections)
      const share = (contender: Contender) => lineOf(measured, contender, connections)?.subjectShare
      return [
        { what: `executions ${where}`, value: line?.requestsPerSecond, unit: '/s', atLeast: perSecond },
        { what: '… of the same without a journal', value: share(withoutJournal), unit: ':1', atLeast: ofUnrecorded },
        { what: '… of DBOS behind Fastify', value: share(dbos), unit: ':1', atLeast: 10 },
        { what: `event-loop delay p99 ${where}`, value: line?.loopDelayP99Ms, unit: 'ms', atMost: 20 },
        { what: `memory under load ${where}`, value: line && toMegabytes(line.rssMaxBytes), unit: 'MB', atMost: 200 },
      ]
    }),
}
