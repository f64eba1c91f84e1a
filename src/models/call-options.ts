import type { LanguageModelV4CallOptions, LanguageModelV4Message, LanguageModelV4ToolCallPart } from '@ai-sdk/provider'
import type { Message, ModelRequest, ToolCall, ToolCallMessage, ToolDescription } from './model.ts'

/** Our request in the words of the AI SDK. */
export function callOptions(request: ModelRequest, signal: AbortSignal): LanguageModelV4CallOptions {
  const { temperature, max_tokens, top_p, stop } = request.settings
  return {
    prompt: promptOf(request),
    ...(request.tools.length > 0 && { tools: request.tools.map(functionTool), toolChoice: { type: 'auto' } }),
    ...(temperature !== undefined && { temperature }),
    ...(max_tokens !== undefined && { maxOutputTokens: max_tokens }),
    ...(top_p !== undefined && { topP: top_p }),
    ...(stop !== undefined && stop.length > 0 && { stopSequences: stop }),
    headers: { 'Idempotency-Key': request.idempotency_key },
    abortSignal: signal,
  }
}

function promptOf({ system, messages }: ModelRequest): LanguageModelV4Message[] {
  const prompt = messages.map(promptMessage)
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
