import { SignalMissed } from '../../errors.ts'
import type { ReceivedSignal, StepKind } from '../../graph/step-kind.ts'
import { toTimestamp } from '../../clock.ts'

interface Config {
  name?: string
  deadline?: number
  on_deadline?: 'fail' | 'continue'
}

export const NAME_PATTERN = '^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$'

export const signal: StepKind = {
  kind: 'signal',
  title: 'Wait for a signal',
  description:
    'Waits until somebody sends POST /api/executions/{id}/signals/{name}; its output is {payload, sent_at, sent_by}. One that was sent before is taken at once, each once. Where none came in time and it goes on, it is left by the source_handle `deadline`, or where no connection has that, by those without one.',
  schema: {
    type: 'object',
    properties: {
      name: { type: 'string', pattern: NAME_PATTERN, description: 'The id of the step when not given.' },
      deadline: { type: 'number', minimum: 0.001, maximum: 31_536_000, description: 'Seconds; for ever when not given.' },
      on_deadline: { enum: ['fail', 'continue'], default: 'fail', description: '`continue` gives null.' },
    },
  },
  compile({ name, deadline, on_deadline = 'fail' }: Config, compiler, { id }) {
    const awaited = name ?? id
    if (!new RegExp(NAME_PATTERN).test(awaited)) {
      compiler.problem(
        '/name',
        'wrong_format',
        `A signal's name has letters, digits, '.', '_' and '-'. Give one, since the id of the step has others.`,
      )
    }
    return {
      type: 'wait',
      wait: () => ({ name: awaited, ...(deadline !== undefined && { ms: deadline * 1_000 }) }),
      input: () => ({ signal: awaited, ...(deadline !== undefined && { deadline }) }),
      settle: (received) => {
        if (received) return show(received)
        if (on_deadline === 'fail') throw new SignalMissed({ step_id: id, name: awaited, deadline: deadline! })
        return null
      },
      ways: { names: ['deadline'], of: (output: unknown) => (output === null ? { name: 'deadline', only: 'if connected' } : { name: '' }) },
    }
  },
}

function show({ payload, sent_at, sent_by }: ReceivedSignal): unknown {
  return { payload, sent_at: toTimestamp(sent_at), sent_by }
}
