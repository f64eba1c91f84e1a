import { StepInputInvalid } from '../../errors.ts'
import type { StepKind } from '../../graph/step-kind.ts'

interface Config {
  seconds: unknown
}

/** A year. */
const LONGEST_S = 31_536_000

export const wait: StepKind = {
  kind: 'wait',
  title: 'Wait',
  description: 'Does nothing for a while, however long, also over restarts. The time does not count towards the timeout.',
  schema: {
    type: 'object',
    required: ['seconds'],
    properties: { seconds: { description: 'A number, or one {{ expression }} that gives a number: from 0 to 31,536,000, a year.' } },
  },
  compile({ seconds }: Config, compiler, { id }) {
    const value = compiler.mapping(seconds, '/seconds')
    const isWrong = (found: unknown): boolean => !(typeof found === 'number' && found >= 0 && found <= LONGEST_S)
    if (typeof seconds !== 'string' && isWrong(seconds)) {
      compiler.problem('/seconds', 'wrong_type', `'seconds' must be a number from 0 to ${LONGEST_S}, or a template that gives one.`)
    }
    return {
      type: 'wait',
      wait: (scope) => {
        const found = value.apply(scope)
        if (isWrong(found)) throw new StepInputInvalid({ step_id: id, what: `'seconds' must be a number from 0 to ${LONGEST_S}` })
        return { ms: (found as number) * 1_000 }
      },
      settle: () => null,
    }
  },
}
