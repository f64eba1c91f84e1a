import { toTimestamp } from '../clock.ts'
import { SchemaMismatch } from '../errors.ts'
import { findNotification } from '../graph/notifications.ts'
import type { Plan } from '../graph/plan.ts'
import type { Scope } from '../graph/scope.ts'
import { isTest } from './draft.ts'
import { FlowRun } from './flow-run.ts'
import type { AdmittedExecution, Entry } from './journal.ts'
import type { NodeContext } from './node-context.ts'

/** Runs a plan. It knows steps and events, and nothing of databases or processes. @returns the execution's response */
export async function runPlan(plan: Plan, execution: AdmittedExecution, context: NodeContext): Promise<string> {
  if (plan.fault !== undefined) throw plan.fault
  if (execution.entry) return runNotification(plan, execution, execution.entry, context)
  const errors = plan.inputSchema?.check(execution.request.input ?? null) ?? []
  if (errors.length > 0) throw new SchemaMismatch({ what: 'The input of the execution', errors })
  const variables = plan.readsVariables ? await readVariables(context) : {}
  const run = new FlowRun(plan.flow, scopeOf(execution, variables), context, { path: '', answers: true })
  await run.run()
  return run.answer()
}

/** It sees what its parent saw when it began it. */
async function runNotification(plan: Plan, { request }: AdmittedExecution, entry: Entry, context: NodeContext): Promise<string> {
  const { flow } = findNotification(plan.flow, entry.notification)!
  const { query, chat_history, input = null } = request
  const run = new FlowRun(flow, { ...entry.scope, input, query, chat_history }, context, { path: '', answers: true, led: entry.led })
  await run.run()
  return run.answer()
}

function scopeOf(execution: AdmittedExecution, variables: Scope['variables']): Scope {
  const { execution_id, deployment_name, environment, request, created_at } = execution
  return {
    input: request.input ?? null,
    query: request.query,
    chat_history: request.chat_history,
    variables,
    steps: {},
    now: toTimestamp(created_at),
    execution: { execution_id, deployment_name, environment, test: isTest(execution) },
  }
}

/** Recorded as a step: what the execution has decided by them must be decided the same way after a restart. */
function readVariables(context: NodeContext): Promise<Scope['variables']> {
  const spec = { id: ':variables', kind: 'variables', name: 'Variables', input: undefined, pure: true }
  return context.step(spec, async () => ({ output: await context.variables() }))
}
