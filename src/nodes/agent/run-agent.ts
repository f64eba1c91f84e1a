import { AgentNestingLimit, AgentTurnLimit } from '../../errors.ts'
import type { AttemptContext, NodeContext } from '../../engine/node-context.ts'
import type { PlannedAgent } from '../../graph/plan.ts'
import type { Scope } from '../../graph/scope.ts'
import type { Message, ModelAnswer, ToolCall } from '../../models/model.ts'
import { callTool } from './call-tool.ts'
import { describeTools } from './describe-tools.ts'
import { admitCall, type Limited } from './limits.ts'
import { AnswerReader } from './structured-output.ts'

/** Model calls of one agent for one task. A model that calls tools for ever must come to an end. */
const TURN_LIMIT = 25

/** How often an agent may be at work within itself, which happens only where one that it calls hands over to it. */
const NESTING_LIMIT = 10

export interface Task {
  /** Where the agent stands in the execution: its own id for the lead, below the calling step for the others. */
  path: string
  messages: Message[]
  /** Its text is what the execution answers with, so it is streamed. */
  leads: boolean
  /** What its prompts are filled in with. */
  scope: Scope
  /** The agents that it works for, whose limits hold as well. */
  limited: readonly Limited[]
  /** Whether it has the history of the conversation: a node of the flow does, not who is called by another. */
  knowsHistory: boolean
  /** Told who goes on, where it hands over. */
  onHandoff?: (agent: string) => void
}

/** How an agent's work ended: the last word may be another's, that it handed over to. */
export interface AgentEnd {
  agent: string
  text: string
  output: unknown
}

/** An agent as a node of a flow. */
export interface AgentNodeTask {
  path: string
  leads: boolean
  scope: Scope
  /** What the nodes gave that led here. */
  before: readonly { id: string; output: unknown }[]
  onHandoff?: (agent: string) => void
}

export function runAgentNode(agent: PlannedAgent, { before, ...task }: AgentNodeTask, context: NodeContext): Promise<AgentEnd> {
  const { scope } = task
  const history = scope.chat_history as readonly { role: 'user' | 'assistant' | 'system'; content: string }[]
  const messages: Message[] = history.flatMap(({ role, content }) => (role === 'system' ? [] : [{ role, text: content }]))
  messages.push({ role: 'user', text: agent.prompt?.render(scope) ?? askWith(scope.query, before) })
  return runAgent(agent, { ...task, messages, limited: [], knowsHistory: true }, context)
}

/** The query, and what is known by now. */
function askWith(query: string, before: readonly { id: string; output: unknown }[]): string {
  const results = before.map(({ id, output }) => `${id}:\n${typeof output === 'string' ? output : JSON.stringify(output)}`)
  return [query, ...results].filter((part) => part !== '').join('\n\n')
}

/** Not every provider takes a system message in the middle, so those of the history join the agent's instructions. */
function systemOf({ system }: PlannedAgent, { scope, knowsHistory }: Task): string | undefined {
  const own = typeof system === 'object' ? system.render(scope) : system
  const history = knowsHistory ? (scope.chat_history as readonly { role: string; content: string }[]) : []
  const parts = [...(own === undefined ? [] : [own]), ...history.flatMap(({ role, content }) => (role === 'system' ? [content] : []))]
  return parts.length > 0 ? parts.join('\n\n') : undefined
}

/**
 * One agent at work: it calls its model, then the agents that the model asked for, until the model asks for none.
 * Each model call is a step, so that a crash in the tenth repeats only the tenth. Where it hands over, the other goes on with
 * the same conversation.
 */
async function runAgent(first: PlannedAgent, task: Task, context: NodeContext): Promise<AgentEnd> {
  const messages = [...task.messages]
  const said: string[] = []
  let agent = first
  let reader = readerOf(agent)
  let news = messages.length
  for (let turn = 1; turn <= TURN_LIMIT; turn++) {
    const id = `${task.path}#${turn}`
    const answer = await callModel(agent, task, { id, messages, news, hasSpoken: said.length > 0 }, context)
    if (answer.text && !reader) said.push(answer.text)
    if (answer.calls.length === 0) {
      if (!reader) return { agent: agent.id, text: said.join('\n\n'), output: said.join('\n\n') }
      const read = reader.read(answer.text, id)
      if ('output' in read) {
        if (task.leads) context.respond(id, said.length > 0 ? `\n\n${read.text}` : read.text)
        return { agent: agent.id, text: [...said, read.text].join('\n\n'), output: read.output }
      }
      messages.push({ role: 'assistant', text: answer.text }, { role: 'user', text: read.told })
      news = 2
      continue
    }
    const target = findHandoff(agent, answer.calls)
    const results = target
      ? answer.calls.map((call) => answerHandoff(call, target))
      : await Promise.all(answer.calls.map((call, index) => answerCall(agent, call, { ...task, path: `${id}.${index + 1}` }, context)))
    messages.push({ role: 'tool_calls', text: answer.text, calls: answer.calls }, { role: 'tool_results', results })
    news = 2
    if (target) {
      context.emit({ type: 'handoff', step_id: id, from: agent.id, to: target.agent.id })
      task.onHandoff?.(target.agent.id)
      agent = target.agent
      reader = readerOf(agent)
    }
  }
  throw new AgentTurnLimit({ agent: agent.id, limit: TURN_LIMIT, step_id: `${task.path}#${TURN_LIMIT}` })
}

/** What must fit a schema is not streamed before it does. */
function readerOf(agent: PlannedAgent): AnswerReader | undefined {
  return agent.outputSchema && new AnswerReader(agent, agent.outputSchema)
}

interface Handoff {
  call: ToolCall
  agent: PlannedAgent
}

/** The first that the model asked for: control cannot go two ways. */
function findHandoff(agent: PlannedAgent, calls: readonly ToolCall[]): Handoff | undefined {
  for (const call of calls) {
    const target = agent.handoffs.get(call.name)
    if (target) return { call, agent: target }
  }
  return undefined
}

function answerHandoff(call: ToolCall, handoff: Handoff): { id: string; name: string; output: string } {
  const output = call === handoff.call ? `${handoff.agent.name} goes on.` : 'Not done: the conversation was handed over.'
  return { id: call.id, name: call.name, output }
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
  const system = systemOf(agent, task)
  const input = {
    ...(system !== undefined && { system_prompt: system }),
    // A long conversation would otherwise be recorded again in each of its turns.
    messages: turn.messages.slice(-turn.news),
    ...(turn.news < turn.messages.length && { earlier_messages: turn.messages.length - turn.news }),
  }
  const spec = {
    id: turn.id,
    kind: 'model' as const,
    name: agent.name,
    model: agent.model,
    unpriced: agent.baseUrl !== undefined,
    input,
    maxRetries: agent.maxRetries,
  }
  admitCall('model', turn.id, [agent, ...task.limited], context)
  return context.step(spec, async (attempt) => {
    const { text, calls, finish_reason, tokens } = await context.callModel({
      model: agent.model,
      ...(system !== undefined && { system }),
      messages: turn.messages,
      tools: describeTools(agent),
      settings: agent.settings,
      ...(agent.outputSchema && { output_schema: agent.outputSchema.schema as object | boolean }),
      ...(agent.api && { api: agent.api }),
      environment: context.environment,
      ...(agent.apiKey !== undefined && { api_key: agent.apiKey }),
      ...(agent.baseUrl !== undefined && { base_url: agent.baseUrl }),
      attempt: attempt.number,
      idempotency_key: attempt.idempotencyKey,
      signal: attempt.signal,
      onText: task.leads && !agent.outputSchema ? streamInto(attempt, turn.hasSpoken) : () => undefined,
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

async function answerCall(caller: PlannedAgent, call: ToolCall, task: Task, context: NodeContext) {
  const output = await outputOfCall(caller, call, task, context)
  return { id: call.id, name: call.name, output }
}

/** A call that makes no sense is answered with what is wrong, so that the model can mend it. */
function outputOfCall(caller: PlannedAgent, call: ToolCall, task: Task, context: NodeContext): string | Promise<string> {
  const limited = [caller, ...task.limited]
  const tool = caller.ownTools.get(call.name)
  if (tool) return callTool(caller, tool, call, { id: task.path, scope: task.scope, limited }, context)
  const agent = caller.tools.get(call.name)
  if (agent) {
    const nested = limited.filter(({ id }) => id === caller.id).length
    if (nested > NESTING_LIMIT) throw new AgentNestingLimit({ agent: caller.id, limit: NESTING_LIMIT, step_id: task.path })
    return callAgent(agent, call, { ...task, limited }, context)
  }
  const names = describeTools(caller).map(({ name }) => name)
  return names.length > 0 ? `There is no tool named '${call.name}'. The tools are: ${names.join(', ')}.` : `There are no tools to call.`
}

/** A call of a connected agent. One that fails, after its own retries, fails the execution: hidden in a result it would never be seen. */
async function callAgent(agent: PlannedAgent, call: ToolCall, { path: id, scope, limited }: Task, context: NodeContext): Promise<string> {
  const query = readQuery(call.arguments)
  if (query === undefined) return `The arguments must be a JSON object with a string 'query'.`
  const tool = { type: 'tool', step_id: id, name: call.name, call_id: call.id, arguments: { query } }
  const spec = { id, kind: 'agent' as const, name: agent.name, input: { query }, container: true }
  // The events belong to the attempt: a call whose result is recorded is not told again after a crash.
  return context.step(spec, async () => {
    context.emit({ ...tool, state: 'started' })
    const task = {
      path: `${id}/${agent.stepId}`,
      messages: [{ role: 'user' as const, text: query }],
      leads: false,
      knowsHistory: false,
      scope,
      limited,
    }
    const { text } = await runAgent(agent, task, context)
    context.emit({ ...tool, state: 'completed', result: text })
    return { output: text }
  })
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
