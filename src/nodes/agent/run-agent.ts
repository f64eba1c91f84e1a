import { AgentTurnLimit } from '../../errors.ts'
import type { AttemptContext, NodeContext } from '../../engine/node-context.ts'
import type { PlannedAgent } from '../../graph/plan.ts'
import type { Message, ModelAnswer, ToolCall, ToolDescription } from '../../models/model.ts'

/** Model calls of one agent for one task. A model that calls tools for ever must come to an end. */
const TURN_LIMIT = 25

export interface Task {
  /** Where the agent stands in the execution: its own id for the lead, below the calling step for the others. */
  path: string
  messages: Message[]
  /** The lead's text is what the execution answers with, so it is streamed. */
  leads: boolean
}

/**
 * One agent at work: it calls its model, then the agents that the model asked for, until the model asks for none.
 * Each model call is a step, so that a crash in the tenth repeats only the tenth.
 * @returns everything it said, in all its turns
 */
export async function runAgent(agent: PlannedAgent, task: Task, context: NodeContext): Promise<string> {
  const messages = [...task.messages]
  const said: string[] = []
  let news = messages.length
  for (let turn = 1; turn <= TURN_LIMIT; turn++) {
    const id = `${task.path}#${turn}`
    const answer = await callModel(agent, task, { id, messages, news, hasSpoken: said.length > 0 }, context)
    if (answer.text) said.push(answer.text)
    if (answer.calls.length === 0) return said.join('\n\n')
    const results = await Promise.all(answer.calls.map((call, index) => callAgent(agent, call, `${id}.${index + 1}`, context)))
    messages.push({ role: 'tool_calls', text: answer.text, calls: answer.calls }, { role: 'tool_results', results })
    news = 2
  }
  throw new AgentTurnLimit({ agent: agent.id, limit: TURN_LIMIT, step_id: `${task.path}#${TURN_LIMIT}` })
}

interface Turn {
  id: string
  messages: Message[]
  /** How many of the messages, at the end, the call before did not have. */
  news: number
  hasSpoken: boolean
}

type RecordedAnswer = Omit<ModelAnswer, 'tokens'>

function callModel(agent: PlannedAgent, task: Task, turn: Turn, context: NodeContext): Promise<RecordedAnswer> {
  const input = {
    ...(agent.system !== undefined && { system_prompt: agent.system }),
    // A long conversation would otherwise be recorded again in each of its turns.
    messages: turn.messages.slice(-turn.news),
    ...(turn.news < turn.messages.length && { earlier_messages: turn.messages.length - turn.news }),
  }
  const spec = { id: turn.id, kind: 'model' as const, name: agent.name, model: agent.model, input, maxRetries: agent.maxRetries }
  return context.step(spec, async (attempt) => {
    const { text, calls, finish_reason, tokens } = await context.callModel({
      model: agent.model,
      ...(agent.system !== undefined && { system: agent.system }),
      messages: turn.messages,
      tools: describeTools(agent),
      settings: agent.settings,
      ...(agent.api && { api: agent.api }),
      attempt: attempt.number,
      idempotency_key: attempt.idempotencyKey,
      signal: attempt.signal,
      onText: task.leads ? streamInto(attempt, turn.hasSpoken) : () => undefined,
    })
    return { output: { text, calls, finish_reason }, tokens }
  })
}

/** What the lead says in several turns is one answer, with a blank line between the turns. */
function streamInto(attempt: AttemptContext, hasSpoken: boolean): (piece: string) => void {
  let separator = hasSpoken ? '\n\n' : ''
  return (piece) => {
    if (!piece) return
    attempt.answer(separator + piece)
    separator = ''
  }
}

const taskParameters = {
  type: 'object',
  properties: { query: { type: 'string', description: 'What the agent should do or answer, with all it needs to know.' } },
  required: ['query'],
}

const described = new WeakMap<PlannedAgent, readonly ToolDescription[]>()

/** Made once for each agent of a plan. */
function describeTools(agent: PlannedAgent): readonly ToolDescription[] {
  const known = described.get(agent)
  if (known) return known
  const tools = [...agent.tools].map(([name, { description }]) => ({ name, description, parameters: taskParameters }))
  described.set(agent, tools)
  return tools
}

/**
 * A call of a connected agent. A call that makes no sense is answered with what is wrong, so that the model can mend it;
 * an agent that fails, after its own retries, fails the execution: hidden in a tool result it would never be seen.
 */
async function callAgent(caller: PlannedAgent, call: ToolCall, id: string, context: NodeContext) {
  const result = (output: string) => ({ id: call.id, name: call.name, output })
  const agent = caller.tools.get(call.name)
  if (!agent) return result(`There is no tool named '${call.name}'. The tools are: ${[...caller.tools.keys()].join(', ')}.`)
  const query = readQuery(call.arguments)
  if (query === undefined) return result(`The arguments must be a JSON object with a string 'query'.`)

  const tool = { type: 'tool', step_id: id, name: call.name, call_id: call.id, arguments: { query } }
  const spec = { id, kind: 'agent' as const, name: agent.name, input: { query }, container: true }
  // The events belong to the attempt: a call whose result is recorded is not told again after a crash.
  const output = await context.step(spec, async () => {
    context.emit({ ...tool, state: 'started' })
    const task = { path: `${id}/${agent.id}`, messages: [{ role: 'user' as const, text: query }], leads: false }
    const answer = await runAgent(agent, task, context)
    context.emit({ ...tool, state: 'completed', result: answer })
    return { output: answer }
  })
  return result(output)
}

function readQuery(text: string): string | undefined {
  try {
    const parsed: unknown = JSON.parse(text)
    const query = (parsed as { query?: unknown } | null)?.query
    return typeof query === 'string' ? query : undefined
  } catch {
    return undefined
  }
}
