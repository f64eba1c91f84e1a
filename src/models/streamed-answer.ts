import type { LanguageModelV4, LanguageModelV4FinishReason, LanguageModelV4StreamPart, LanguageModelV4Usage } from '@ai-sdk/provider'
import { AnswerTooLarge } from '../outgoing/answer-too-large.ts'
import { callFailure } from './call-failure.ts'
import { callOptions } from './call-options.ts'
import type { ModelAnswer, ModelRequest, Tokens, ToolCall } from './model.ts'
import type { Secrets } from './secrets.ts'
import { TextPieces } from './text-pieces.ts'

/** Characters of text and calls, all of which is kept and sent on. */
const LONGEST = 10_000_000

type Finish = Extract<LanguageModelV4StreamPart, { type: 'finish' }>

/**
 * One call on a provider object of the AI SDK. `doStream` and not `streamText`: the same parts at less than half of the
 * CPU, and without retries, which are the engine's.
 * @param access headers that prove that we may, where the provider's own key is not the right one
 * @throws {ModelCallError} for whatever the provider did
 * @throws the signal's reason when it is aborted, and whatever `onText` throws
 */
export async function streamedAnswer(
  model: LanguageModelV4,
  request: ModelRequest,
  secrets: Secrets,
  access: Record<string, string> = {},
): Promise<ModelAnswer> {
  // One signal of our own: combining two costs a twentieth of the call.
  const closing = new AbortController()
  const close = () => closing.abort(request.signal.reason)
  const failure = (error: unknown) => {
    request.signal.throwIfAborted()
    return callFailure(request.model, error, secrets.and(request.key))
  }
  const orFailure = <T>(promise: PromiseLike<T>): Promise<T> =>
    Promise.resolve(promise).catch((error: unknown) => {
      throw failure(error)
    })

  request.signal.throwIfAborted()
  request.signal.addEventListener('abort', close)
  try {
    const opening = async () => model.doStream(callOptions(request, closing.signal, access))
    const { stream, response } = await orFailure(opening())
    const answer = new AnswerSoFar(request.onText)
    const reader = stream.getReader()
    for (;;) {
      const { done, value } = await orFailure(reader.read())
      request.signal.throwIfAborted()
      if (done) break
      if (value.type === 'error') throw failure(notAStream(response?.headers) ?? value.error)
      if (!answer.hasRoomFor(value)) throw failure(new AnswerTooLarge(tooLong))
      answer.take(value)
    }
    return answer.complete() ?? fail(failure(notAStream(response?.headers) ?? new Error(unfinished)))
  } catch (error) {
    // Gives the connection back: a part of the answer may still be on its way.
    closing.abort()
    throw error
  } finally {
    request.signal.removeEventListener('abort', close)
  }
}

class AnswerSoFar {
  readonly #text: TextPieces
  readonly #calls: ToolCall[] = []
  #finish: Finish | undefined
  #length = 0

  constructor(onText: (piece: string) => void) {
    this.#text = new TextPieces(onText)
  }

  hasRoomFor(part: LanguageModelV4StreamPart): boolean {
    if (part.type === 'text-delta' || part.type === 'tool-input-delta') this.#length += part.delta.length
    if (part.type === 'tool-call') this.#length += part.input.length
    return this.#length <= LONGEST
  }

  /** Reasoning, sources and whatever else a provider streams is not part of the answer. */
  take(part: LanguageModelV4StreamPart): void {
    if (part.type === 'text-delta') this.#text.add(part.delta)
    if (part.type === 'finish') this.#finish = part
    // What the provider runs itself (its own web search) is not ours to call.
    if (part.type === 'tool-call' && !part.providerExecuted)
      this.#calls.push({ id: part.toolCallId, name: part.toolName, arguments: part.input.toWellFormed() })
  }

  /** The answer, or undefined where the stream ended without the provider saying that it was the end. */
  complete(): ModelAnswer | undefined {
    if (!this.#finish || isBroken(this.#finish.finishReason)) return undefined
    return {
      text: this.#text.end(),
      calls: this.#calls,
      tokens: tokensOf(this.#finish.usage),
      finish_reason: finishReason(this.#finish.finishReason.unified, this.#calls),
    }
  }
}

/** The Responses API has no raw reason for a plain end; the other adapters say `other` where there was none at all. */
function isBroken({ unified, raw }: LanguageModelV4FinishReason): boolean {
  if (unified === 'error' || unified === 'interrupted') return true
  return unified === 'other' && (raw === undefined || raw === 'error')
}

/** Some compatible servers say `stop` where they call tools. */
function finishReason(unified: string, calls: ToolCall[]): string {
  return unified === 'stop' && calls.length > 0 ? 'tool-calls' : unified
}

function tokensOf({ inputTokens, outputTokens }: LanguageModelV4Usage): Tokens {
  const input = plausible(inputTokens.total)
  const output = plausible(outputTokens.total)
  return { input, output, total: input + output }
}

/** Some servers count nonsense: fractions, or more than a database column holds. That is no count at all. */
function plausible(count: number | undefined): number {
  return count !== undefined && Number.isInteger(count) && count >= 0 && count < 1e9 ? count : 0
}

const tooLong = `The answer is longer than ${LONGEST} characters, which is the most that is taken.`
const unfinished = 'The answer ended without a finish reason, so it is not complete.'

/** Only asked once something is wrong: a server may stream properly under a wrong name. */
function notAStream(headers: Record<string, string> | undefined): Error | undefined {
  const type = headers?.['content-type'] ?? 'text/event-stream'
  if (type.startsWith('text/event-stream')) return undefined
  return new Error(`The answer came as ${type} and not as the stream that was asked for.`)
}

function fail(error: Error): never {
  throw error
}
