import type { ModelRequest } from '../../src/models/model.ts'

/** A request with all that a test does not care about, and the pieces that its call streamed. */
export function modelRequest(model: string, fields: Partial<ModelRequest> = {}): ModelRequest & { pieces: string[] } {
  const pieces: string[] = []
  return {
    model,
    messages: [{ role: 'user', text: 'What is new?' }],
    tools: [],
    settings: {},
    attempt: 1,
    idempotency_key: 'key-of-the-step',
    signal: new AbortController().signal,
    onText: (piece) => void pieces.push(piece),
    pieces,
    ...fields,
  }
}
