/** What an agent needs of a language model. The adapters behind it are the provider packages of the AI SDK and the demo models. */

export interface TextMessage {
  role: 'user' | 'assistant'
  text: string
}

/** What the model said when it called tools; `text` may be empty. */
export interface ToolCallMessage {
  role: 'tool_calls'
  text: string
  calls: ToolCall[]
}

export interface ToolResultsMessage {
  role: 'tool_results'
  results: { id: string; name: string; output: string }[]
}

export type Message = TextMessage | ToolCallMessage | ToolResultsMessage

export interface ToolCall {
  /** The provider's id of the call; results refer to it. */
  id: string
  name: string
  /** JSON text as the model wrote it: not parsed, since a model may write anything. */
  arguments: string
}

export interface ToolDescription {
  name: string
  description: string
  /** JSON Schema of the arguments, an object. */
  parameters: object
}

export interface ModelSettings {
  temperature?: number
  max_tokens?: number
  top_p?: number
  stop?: string[]
}

export interface ModelRequest {
  /** `provider/model`, as `Models.resolve` gave it. */
  model: string
  system?: string
  messages: Message[]
  tools: readonly ToolDescription[]
  settings: ModelSettings
  /** JSON Schema that its answer, once it calls no more tools, must fit. */
  output_schema?: object | boolean
  /** Of the execution: its secrets may hold the provider's key. */
  environment?: string
  /** The secret that holds the key, as `{{ secrets.NAME }}`, where the agent names one. */
  api_key?: string
  /** The provider's key for this call, in the place of the configured one. Whoever knows the secrets sets it. */
  key?: string
  /**
   * A server that the agent names, which speaks OpenAI's language. Nothing of the configured providers is used then, their keys
   * least of all; only `key` is sent.
   */
  base_url?: string
  /** Which of OpenAI's two APIs to speak; without it, Responses at OpenAI itself and chat completions elsewhere. */
  api?: 'chat' | 'responses'
  /** 1 for the first attempt of the step. Only the demo model looks at it, to fail once on demand. */
  attempt: number
  /** The same for every attempt of one step, also after a crash. */
  idempotency_key: string
  signal: AbortSignal
  /** Called with each piece of text as it arrives, before the call resolves. Pieces never split a surrogate pair. */
  onText(piece: string): void
}

export interface Tokens {
  input: number
  output: number
  total: number
}

export interface ModelAnswer {
  text: string
  calls: ToolCall[]
  tokens: Tokens
  /** `stop`, `tool-calls`, `length`, `content-filter` or `other`. */
  finish_reason: string
}

export interface ModelInfo {
  /** `provider/model` */
  model: string
  provider: string
  /** Runs without any provider, and says so wherever it answers. */
  demo: boolean
  /** The environment variable without which a call must fail; undefined where all is set. */
  missing?: string
  /** The environment variable that holds the provider's key. A secret of that name can take its place. */
  keyName?: string
}

export interface Models {
  /** Used where an agent names none. */
  readonly default: string
  /** Finds the provider of `provider/model` or of a bare name whose provider is known; undefined if there is none. */
  resolve(name: string): ModelInfo | undefined
  /**
   * One call, streamed. No retries: those are the engine's.
   * @throws {ModelCallError} for whatever the provider did
   * @throws the signal's reason when it is aborted
   */
  call(request: ModelRequest): Promise<ModelAnswer>
}
