import type { Figure } from '../figure.ts'
import { historyOf } from '../history.ts'
import { lineOf } from '../measure.ts'
import { threeStepsOnAgentStudio } from '../three-steps.ts'

const subject = threeStepsOnAgentStudio('with a long history', async (room, options) => (await historyOf(room, options)).folder)
const empty = threeStepsOnAgentStudio('on an empty database', (room) => room.makeFolder())

/** What is in the database costs nothing. */
export const withHistory: Figure = {
  name: 'three recorded steps with a long history',
  subject,
  beside: [empty],
  connections: [32],
  judge: (measured) => [
    {
      what: 'executions at 32 connections, of those on an empty database',
      value: lineOf(measured, empty, 32)?.subjectShare,
      unit: ':1',
      atLeast: 0.9,
    },
  ],
}
