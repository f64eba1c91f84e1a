import type { AnswerReply, Usage } from './scripted-model.ts'

/** One server-sent event, or the bytes of a lie. */
export type Chunk = string

const defaultUsage: Usage = { input: 10, output: 5 }

export interface Wire {
  /** What stands before the answer; between come the pieces and the tool calls. */
  opening: Chunk[]
  piece(text: string): Chunk
  closing: Chunk[]
}

export function piecesOf(reply: AnswerReply): string[] {
  return reply.pieces ?? (reply.text ? [reply.text] : [])
}

/** As `POST /v1/chat/completions` streams it. */
export function chatWire(reply: AnswerReply, model: string): Wire {
  const chunk = (fields: object) => event({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model, ...fields })
  const delta = (fields: object, finish_reason: string | null = null) => chunk({ choices: [{ index: 0, delta: fields, finish_reason }] })
  const calls = (reply.toolCalls ?? []).map((call, index) =>
    delta({
      tool_calls: [{ index, id: idOf(call.id, index), type: 'function', function: { name: call.name, arguments: call.arguments } }],
    }),
  )
  const { input, output } = reply.usage ?? defaultUsage
  const usage = { prompt_tokens: input, completion_tokens: output, total_tokens: input + output }
  return {
    opening: [delta({ role: 'assistant', content: '' })],
    piece: (text) => delta({ content: text }),
    closing: [
      ...calls,
      ...lies(reply),
      ...(reply.lie === 'no finish reason' ? [] : [delta({}, reply.finishReason ?? (calls.length > 0 ? 'tool_calls' : 'stop'))]),
      ...(reply.lie === 'no usage' ? [] : [chunk({ choices: [], usage })]),
      'data: [DONE]\n\n',
    ],
  }
}

/** As `POST /v1/responses` streams it. */
export function responsesWire(reply: AnswerReply, model: string): Wire {
  const message = { type: 'message', id: 'msg_1', role: 'assistant', content: [] }
  const response = { id: 'resp_1', object: 'response', created_at: 1, model }
  const calls = (reply.toolCalls ?? []).flatMap((call, index) => {
    const item = { type: 'function_call', id: `fc_${index}`, call_id: idOf(call.id, index), name: call.name }
    const output_index = index + 1
    return [
      named('response.output_item.added', { output_index, item: { ...item, arguments: '' } }),
      named('response.function_call_arguments.delta', { item_id: item.id, output_index, delta: call.arguments }),
      named('response.output_item.done', { output_index, item: { ...item, arguments: call.arguments, status: 'completed' } }),
    ]
  })
  const { input, output } = reply.usage ?? defaultUsage
  const usage = { input_tokens: input, output_tokens: output, total_tokens: input + output }
  const cut = reply.finishReason === 'length'
  const end = cut ? { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } } : { status: 'completed' }
  return {
    opening: [
      named('response.created', { response }),
      named('response.in_progress', { response }),
      named('response.output_item.added', { output_index: 0, item: message }),
    ],
    piece: (delta) => named('response.output_text.delta', { item_id: 'msg_1', output_index: 0, content_index: 0, delta }),
    closing: [
      named('response.output_item.done', { output_index: 0, item: message }),
      ...calls,
      ...lies(reply),
      ...(reply.lie === 'no finish reason'
        ? []
        : [
            named(cut ? 'response.incomplete' : 'response.completed', {
              response: { ...response, ...end, ...(reply.lie !== 'no usage' && { usage }) },
            }),
          ]),
    ],
  }
}

/** `POST /v1/chat/completions` without `stream`. */
export function chatCompletion(reply: AnswerReply, model: string): object {
  const { input, output } = reply.usage ?? defaultUsage
  const toolCalls = (reply.toolCalls ?? []).map((call, index) => ({
    id: idOf(call.id, index),
    type: 'function',
    function: { name: call.name, arguments: call.arguments },
  }))
  const message = { role: 'assistant', content: piecesOf(reply).join(''), ...(toolCalls.length > 0 && { tool_calls: toolCalls }) }
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1,
    model,
    choices: [{ index: 0, message, finish_reason: reply.finishReason ?? (toolCalls.length > 0 ? 'tool_calls' : 'stop') }],
    usage: { prompt_tokens: input, completion_tokens: output, total_tokens: input + output },
  }
}

function lies({ lie, streamError }: AnswerReply): Chunk[] {
  if (streamError !== undefined) return [event(streamError)]
  if (lie === 'malformed JSON') return ['data: {"choices": [{"delta": oops\n\n']
  return lie === 'unknown shape' ? [event({ choices: 'none', type: 'response.output_text.delta' })] : []
}

function named(type: string, fields: object): Chunk {
  return event({ type, sequence_number: 0, ...fields })
}

function event(data: object): Chunk {
  return `data: ${JSON.stringify(data)}\n\n`
}

function idOf(id: string | undefined, index: number): string {
  return id ?? `call_${index + 1}`
}
