import { AttemptFailed } from '../../attempt-failed.ts'
import { StudioError } from '../../errors.ts'
import type { NodeContext } from '../../engine/node-context.ts'
import type { ReceivedSignal } from '../../graph/step-kind.ts'
import type { PlannedAgent } from '../../graph/plan.ts'
import type { Scope } from '../../graph/scope.ts'
import type { ToolCall } from '../../models/model.ts'
import type { Tool } from '../../tools/tool.ts'
import { approvalSignal, type Decision } from '../approval/signal.ts'
import { admitCall, type Limited } from './limits.ts'

/** Of a result, what a model is given. Characters. */
const LONGEST = 100_000

/** Of what is wrong with the arguments, what a model is told. */
const MOST_PROBLEMS = 10

export interface ToolTask {
  /** Of the step. */
  id: string
  scope: Scope
  limited: readonly Limited[]
}

/**
 * A call of a tool, as a step. What is wrong with a call, and what a tool fails of, is told to the model, which can mend it; a
 * call that needs a person's word waits for that before it begins, and is made with the very arguments that were shown.
 * @returns what the model is told
 */
export async function callTool(agent: PlannedAgent, tool: Tool, call: ToolCall, task: ToolTask, context: NodeContext): Promise<string> {
  const given = readArguments(call.arguments)
  if (!given) return `The arguments must be a JSON object. Nothing was called.`
  const problems = tool.schema.check(given)
  if (problems.length > 0) return mismatch(tool, problems)
  admitCall('tool', task.id, task.limited, context)
  if (needsApproval(agent, tool, given)) {
    const decided = await askForApproval(agent, tool, given, task, context)
    if (decided.decision !== 'approved') return rejected(tool, decided)
  }
  return run(tool, call, given, task, context)
}

interface Failed {
  error: { code: string; message: string }
}

/**
 * What the model is told of a failure is what the call resulted in, and is recorded as that: were it a failed step, an execution
 * that is resumed later would make the call again, after the model went another way.
 */
async function run(
  tool: Tool,
  call: ToolCall,
  given: Record<string, unknown>,
  { id, scope }: ToolTask,
  context: NodeContext,
): Promise<string> {
  const told = { type: 'tool', step_id: id, name: tool.name, call_id: call.id, arguments: given }
  const { environment, outside } = context
  const emit = (event: { type: string }): void => context.emit({ ...event, step_id: id })
  const input = { arguments: given, ...(tool.shows && shown(() => tool.shows!({ arguments: given, scope }))) }
  const spec = { id, kind: 'tool', name: tool.name, input, maxRetries: tool.maxRetries, ...(tool.pure && { pure: true }) }
  const output = await context.step<{ result: unknown } | Failed>(spec, async ({ number, isLast, signal, idempotencyKey }) => {
    if (number === 1) context.emit({ ...told, state: 'started' })
    try {
      const answer = await tool.run({ arguments: given, stepId: id, scope, environment, outside, emit, number, signal, idempotencyKey })
      // Before the event cuts it: of a secret that is cut in two, one half would stay.
      const result = outside.secrets.of(environment)?.scrubAll(answer) ?? answer
      context.emit({ ...told, state: 'completed', result: bounded(result) })
      return { output: { result: result ?? null } }
    } catch (error) {
      const failed = signal.aborted || tool.onError === 'fail' ? undefined : lastWord(error, isLast)
      if (!failed) throw error
      context.emit({ ...told, state: 'failed', error: failed })
      return { output: { error: failed } }
    }
  })
  return 'error' in output ? `The tool failed (${output.error.code}): ${bounded(output.error.message)}` : bounded(output.result)
}

/** What a failure that no retry follows is told as; undefined for one that is tried again, and for a fault of ours. */
function lastWord(failure: unknown, isLast: boolean): Failed['error'] | undefined {
  if (failure instanceof AttemptFailed && failure.retryable && !isLast) return undefined
  const error = failure instanceof AttemptFailed ? failure.error : failure
  return error instanceof StudioError ? { code: error.code, message: error.message } : undefined
}

/** Where a template fails, the step does so itself. */
function shown(show: () => object): { request?: object } {
  try {
    return { request: show() }
  } catch {
    return {}
  }
}

function needsApproval({ approval }: PlannedAgent, tool: Tool, given: Record<string, unknown>): boolean {
  if (tool.approval !== undefined) return tool.approval
  return approval === 'always' || (approval === 'writes' && tool.writes(given))
}

interface Decided {
  decision: 'approved' | 'rejected'
  by: string | null
  comment: string | null
}

/** A step of its own, which is decided on as those of the kind `approval` are. */
function askForApproval(
  agent: PlannedAgent,
  tool: Tool,
  given: Record<string, unknown>,
  { id, scope }: ToolTask,
  context: NodeContext,
): Promise<Decided> {
  const step = `${id}/approval`
  const deadline = agent.approvalDeadline
  const input = {
    message: `Agent '${agent.name}' wants to call the tool '${tool.name}'.`,
    details: { tool: tool.name, arguments: given, ...(tool.shows && shown(() => tool.shows!({ arguments: given, scope }))) },
    ...(deadline !== undefined && { deadline }),
  }
  const settle = (received: ReceivedSignal | undefined): Decided => {
    if (!received) return { decision: 'rejected', by: null, comment: 'Nobody decided in time.' }
    const { decision, comment = null } = received.payload as Decision
    return { decision, by: received.sent_by, comment }
  }
  const wait = { name: approvalSignal(step), ...(deadline !== undefined && { ms: deadline * 1_000 }) }
  return context.wait({ id: step, kind: 'approval', name: tool.name, input }, () => wait, settle)
}

function rejected(tool: Tool, { comment }: Decided): string {
  return `The call of '${tool.name}' was not approved, so it was not made.${comment ? ` The reason: ${comment}` : ''} Do not try it again in the same way.`
}

function mismatch(tool: Tool, problems: readonly { pointer: string; message: string }[]): string {
  const lines = problems.slice(0, MOST_PROBLEMS).map(({ pointer, message }) => `- ${pointer || 'arguments'}: ${message}`)
  return [`The arguments do not fit the schema of '${tool.name}', so it was not called:`, ...lines].join('\n')
}

function readArguments(text: string): Record<string, unknown> | undefined {
  if (text.trim() === '') return {}
  try {
    const parsed: unknown = JSON.parse(text)
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? (parsed as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

function bounded(result: unknown): string {
  const text = typeof result === 'string' ? result : JSON.stringify(result ?? null)
  if (text.length <= LONGEST) return text
  return `${text.slice(0, LONGEST).toWellFormed()}\n[Cut off here: these are the first ${LONGEST} of ${text.length} characters.]`
}
