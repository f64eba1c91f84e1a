import { setTimeout as wait } from 'node:timers/promises'
import { ModelFailed, ModelRefused } from '../errors.ts'
import { demoArguments, demoValue, mentions } from './demo-arguments.ts'
import { readInstructions, type DemoInstructions } from './demo-phrases.ts'
import { ModelCallError } from './model-call-error.ts'
import type { Message, ModelAnswer, ModelRequest, ToolCall, ToolResultsMessage } from './model.ts'
import type { Provider } from './provider.ts'
import { TextPieces } from './text-pieces.ts'

export { demoPhrases } from './demo-phrases.ts'

// A long question makes larger pieces, not a longer wait.
const mostPieces = 200

/**
 * Models that are built in, offline and deterministic. `echo` says what it hears; `assistant` shows what a model does:
 * it streams, calls tools, fails and recovers as its instructions say (demo-phrases.ts), and counts tokens. Both cost nothing.
 * @param pauseMs between two pieces of a streamed text
 */
export function demo(pauseMs = 15): Provider {
  return {
    name: 'demo',
    demo: true,
    missing: undefined,
    models: ['echo', 'assistant'],
    answer: (name, request) => (name === 'echo' ? echo(request) : assist(request, pauseMs)),
  }
}

async function echo(request: ModelRequest): Promise<ModelAnswer> {
  const text = new TextPieces(request.onText)
  text.add(asked(request))
  return answer(request, text.end(), [])
}

/** Milliseconds between two words, or all of them in one piece. */
type Pace = number | 'at once'

async function assist(request: ModelRequest, pauseMs: number): Promise<ModelAnswer> {
  const instructions = readInstructions(request.system ?? '', asked(request))
  const pace = instructions.hurries ? 'at once' : pauseMs
  const calls = toolResults(request).length > 0 ? [] : toolCalls(request, instructions)
  // The wait stands before the text, so a turn that only calls tools is not held up.
  if (calls.length === 0) await pause(instructions.waitMs, request.signal)
  if (instructions.fail !== 'never') await failAsTold(request, instructions.fail, pace)
  if (calls.length > 0) return answer(request, '', calls)
  const said = request.output_schema === undefined ? reply(request) : JSON.stringify(demoValue(request.output_schema, asked(request)))
  return answer(request, await stream(request, said, pace), [])
}

/** Some text comes first, since that is how a stream breaks, and what `retry` events are for. */
async function failAsTold(request: ModelRequest, fail: DemoInstructions['fail'], pace: Pace): Promise<void> {
  const { model } = request
  if (fail === 'for good')
    throw new ModelCallError(new ModelRefused({ model, reason: "its instructions say 'fail for good'." }), { retryable: false })
  if (fail === 'once' && request.attempt > 1) return
  await stream(request, 'This is the demo model, which is about to ', pace)
  const phrase = fail === 'once' ? 'fail once' : 'always fail'
  throw new ModelCallError(new ModelFailed({ model, reason: `its instructions say '${phrase}'.` }), { retryable: true })
}

function reply(request: ModelRequest): string {
  const results = toolResults(request).flatMap((message) => message.results)
  const begin = firstSentence(request.system ?? '')
  const first = request.messages.find(({ role }) => role === 'user')
  const spokeBefore = first?.role === 'user' && request.messages.some(({ role }) => role === 'assistant')
  return [
    'This is the demo model, which works offline and knows nothing.',
    `You asked: ${asked(request)}`,
    ...(spokeBefore ? [`At first you asked: ${firstSentence(first.text)}`] : []),
    ...(begin ? [`My instructions begin: ${begin}`] : []),
    ...results.map(({ name, output }) => `Tool ${name} answered: ${output}`),
  ].join('\n')
}

/** What stands before an agent's id where its tool is to hand the conversation over. */
const HANDOFF = 'transfer_to_'

/** Each tool once, all in one turn; and it hands over to an agent that the question mentions. */
function toolCalls(request: ModelRequest, instructions: DemoInstructions): ToolCall[] {
  const isMeant = (name: string): boolean =>
    !name.startsWith(HANDOFF) || instructions.names(name) || mentions(asked(request), name.slice(HANDOFF.length))
  const turn = request.messages.filter(({ role }) => role === 'tool_calls').length + 1
  return request.tools
    .filter(({ name }) => instructions.callsTool(name) && isMeant(name))
    .map(({ name, parameters }, index) => ({
      id: `demo-${turn}-${index + 1}`,
      name,
      arguments: JSON.stringify(demoArguments(parameters, asked(request))),
    }))
}

function asked({ messages }: ModelRequest): string {
  const last = messages.findLast(({ role }) => role === 'user')
  return last?.role === 'user' ? last.text : ''
}

/** Of this turn: results before the last message of the user belong to an earlier question. */
function toolResults({ messages }: ModelRequest): ToolResultsMessage[] {
  const since = messages.slice(messages.findLastIndex(({ role }) => role === 'user') + 1)
  return since.filter((message) => message.role === 'tool_results')
}

function firstSentence(system: string): string {
  const text = system.trim()
  const end = /[.!?](?=\s|$)|\n/.exec(text)
  return (end ? text.slice(0, end.index + 1) : text).trim().slice(0, 200)
}

async function stream(request: ModelRequest, text: string, pace: Pace): Promise<string> {
  const pieces = new TextPieces(request.onText)
  if (pace === 'at once') {
    pieces.add(text)
    return pieces.end()
  }
  let first = true
  for (const piece of wordsOf(text)) {
    if (!first) await pause(pace, request.signal)
    pieces.add(piece)
    first = false
  }
  return pieces.end()
}

/** Word by word, each with the space that follows it. */
function* wordsOf(text: string): Generator<string> {
  const shortest = text.length / mostPieces
  let begin = 0
  for (const { index, 0: space } of text.matchAll(/\s+/g)) {
    const end = index + space.length
    if (end - begin < shortest) continue
    yield text.slice(begin, end)
    begin = end
  }
  if (begin < text.length) yield text.slice(begin)
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms > 0) await wait(ms, undefined, { signal }).catch(() => {})
  signal.throwIfAborted()
}

function answer(request: ModelRequest, text: string, calls: ToolCall[]): ModelAnswer {
  const input = [request.system ?? '', ...request.messages.map(textOf)].map(tokensIn).reduce((sum, each) => sum + each, 0)
  const output = [text, ...calls.map((call) => call.arguments)].map(tokensIn).reduce((sum, each) => sum + each, 0)
  return { text, calls, tokens: { input, output, total: input + output }, finish_reason: calls.length > 0 ? 'tool-calls' : 'stop' }
}

function textOf(message: Message): string {
  if (message.role === 'tool_calls') return [message.text, ...message.calls.map((call) => call.arguments)].join(' ')
  if (message.role === 'tool_results') return message.results.map(({ output }) => output).join(' ')
  return message.text
}

/** About what tokenizers make of English: four tokens for three words. */
function tokensIn(text: string): number {
  let words = 0
  let within = false
  for (let index = 0; index < text.length; index++) {
    const isSpace = text.charCodeAt(index) <= 0x20
    if (within === isSpace) {
      within = !isSpace
      if (within) words++
    }
  }
  return Math.ceil((words * 4) / 3)
}
