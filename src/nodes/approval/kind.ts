import { toTimestamp } from '../../clock.ts'
import { ApprovalMissed } from '../../errors.ts'
import type { Scope } from '../../graph/scope.ts'
import type { ReceivedSignal, StepKind } from '../../graph/step-kind.ts'
import { approvalSignal, type Decision } from './signal.ts'

interface Config {
  message?: string
  details?: unknown
  deadline?: number
  on_deadline?: 'reject' | 'approve' | 'fail'
}

export const approval: StepKind = {
  kind: 'approval',
  title: 'Approval',
  description:
    'Waits until a person approves or rejects. Connections leave it by the source_handles `approved` and `rejected`; one without a name is followed when it was approved.',
  schema: {
    type: 'object',
    properties: {
      message: { type: 'string', description: 'Liquid text: what is to be decided.' },
      details: {
        description: 'Any JSON value in which strings may be Liquid, to decide by; what is shown is what the steps behind it get.',
      },
      deadline: { type: 'number', minimum: 0.001, maximum: 31_536_000, description: 'Seconds; for ever when not given.' },
      on_deadline: { enum: ['reject', 'approve', 'fail'], default: 'reject' },
    },
  },
  compile({ message = '', details = null, deadline, on_deadline = 'reject' }: Config, compiler, { id }) {
    const text = compiler.text(message, '/message')
    const shown = compiler.mapping(details, '/details')
    const input = (scope: Scope): { message: string; details: unknown; deadline?: number } => ({
      message: text.render(scope),
      details: shown.apply(scope),
      ...(deadline !== undefined && { deadline }),
    })
    return {
      type: 'wait',
      wait: (_scope, stepId) => ({ name: approvalSignal(stepId), ...(deadline !== undefined && { ms: deadline * 1_000 }) }),
      input,
      settle: (received, scope) => {
        const { details: decidedOn } = input(scope)
        if (received) return { ...decided(received), details: decidedOn }
        if (on_deadline === 'fail') throw new ApprovalMissed({ step_id: id, deadline: deadline! })
        const decision = on_deadline === 'approve' ? 'approved' : 'rejected'
        return { decision, by: null, comment: null, decided_at: null, deadline: true, details: decidedOn }
      },
      ways: {
        names: ['approved', 'rejected'],
        of: ({ decision }: { decision: string }) => ({ name: decision, only: decision === 'rejected' }),
      },
    }
  },
}

function decided({ payload, sent_at, sent_by }: ReceivedSignal) {
  const { decision, comment = null } = payload as Decision
  return { decision, by: sent_by, comment, decided_at: toTimestamp(sent_at), deadline: false }
}
