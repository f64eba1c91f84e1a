import type { LanguageModelV4CallOptions, LanguageModelV4Message, LanguageModelV4ToolCallPart } from '@ai-sdk/provider'
import type { Message, ModelRequest, ToolCall, ToolCallMessage, ToolDescription } from './model.ts'

/** Our request in the words of the AI SDK. @param access headers that take the place of the configured key's */
export function callOptions(request: ModelRequest, signal: AbortSignal, access: Record<string, string>): LanguageModelV4CallOptions {
  const { temperature, max_tokens, top_p, stop } = request.settings
  return {
    prompt: promptOf(request),
    ...(request.tools.length > 0 && { tools: request.tools.map(functionTool), toolChoice: { type: 'auto' } }),
    ...answerFormat(request),
    ...(temperature !== undefined && { temperature }),
    ...(max_tokens !== undefined && { maxOutputTokens: max_tokens }),
    ...(top_p !== undefined && { topP: top_p }),
    ...(stop !== undefined && stop.length > 0 && { stopSequences: stop }),
    headers: { 'Idempotency-Key': request.idempotency_key, ...access },
    abortSignal: signal,
  }
}

/** As the provider can be asked for it. Not all schemas are what OpenAI calls strict, and Google refuses a format beside tools. */
function answerFormat({ model, tools, output_schema: schema }: ModelRequest): Partial<LanguageModelV4CallOptions> {
  if (schema === undefined || (tools.length > 0 && model.startsWith('google/'))) return {}
  return {
    responseFormat: { type: 'json', ...(typeof schema === 'object' && { schema }) },
    providerOptions: { openai: { strictJsonSchema: false } },
  }
}

/** Said in words as well: some servers know no format, and OpenAI wants the word JSON in the prompt. */
function instructions({ system, output_schema: schema }: ModelRequest): string | undefined {
  if (schema === undefined) return system
  const format = `Your answer must be one JSON value, without anything before or after it, that fits this JSON Schema:\n${JSON.stringify(schema)}`
  return system ? `${system}\n\n${format}` : format
}

function promptOf(request: ModelRequest): LanguageModelV4Message[] {
  const prompt = request.messages.map(promptMessage)
  const system = instructions(request)
  return system ? [{ role: 'system', content: system }, ...prompt] : prompt
}

function promptMessage(message: Message): LanguageModelV4Message {
  switch (message.role) {
    case 'user':
    case 'assistant':
      return { role: message.role, content: [{ type: 'text', text: message.text }] }
    case 'tool_calls':
      return { role: 'assistant', content: assistantParts(message) }
    case 'tool_results':
      return {
        role: 'tool',
        content: message.results.map(({ id, name, output }) => ({
          type: 'tool-result',
          toolCallId: id,
          toolName: name,
          output: { type: 'text', value: output },
        })),
      }
  }
}

/** Some providers refuse an empty piece of text. */
function assistantParts({ text, calls }: ToolCallMessage) {
  const called = calls.map(callPart)
  return text ? [{ type: 'text' as const, text }, ...called] : called
}

function callPart(call: ToolCall): LanguageModelV4ToolCallPart {
  return { type: 'tool-call', toolCallId: call.id, toolName: call.name, input: readableArguments(call.arguments) }
}

/**
 * The arguments as the model wrote them, where they are a JSON object; the adapters take the text as it is. Anything else
 * is wrapped in one, because some providers answer 400 or 500 to a conversation that contains it, for ever.
 */
function readableArguments(text: string): unknown {
  if (!text.trim()) return {}
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return text
  } catch {
    // It is not JSON at all; the model sees below what it wrote.
  }
  return { invalid_arguments: text }
}

function functionTool({ name, description, parameters }: ToolDescription) {
  return { type: 'function' as const, name, description, inputSchema: parameters }
}
