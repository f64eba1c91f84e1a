/** A message of a stream of server-sent events; `retry` alone is none of it, but says when to come back. */
export interface Message {
  id: string | undefined
  data: string
  /** Milliseconds. */
  retry: number | undefined
}

/** Reads `text/event-stream` (WHATWG HTML §9.2.6). It ends with the stream; a message without its empty line is not given. */
export async function* readMessages(body: ReadableStream<Uint8Array>): AsyncGenerator<Message, void, undefined> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let rest = ''
  let message = blank()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      const lines = (rest + decoder.decode(value, { stream: true })).split(/\r\n|\n|\r(?!$)/)
      rest = lines.pop()!
      for (const line of lines) {
        if (line !== '') addLine(message, line)
        else {
          if (message.data.length > 0 || message.retry !== undefined) yield { ...message, data: message.data.join('\n') }
          message = blank()
        }
      }
    }
  } finally {
    // Whoever stops reading leaves nothing open.
    await reader.cancel().catch(() => {})
  }
}

function blank(): { id: string | undefined; data: string[]; retry: number | undefined } {
  return { id: undefined, data: [], retry: undefined }
}

function addLine(message: ReturnType<typeof blank>, line: string): void {
  const colon = line.indexOf(':')
  if (colon === 0) return
  const field = colon === -1 ? line : line.slice(0, colon)
  const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '')
  if (field === 'id') message.id = value
  else if (field === 'data') message.data.push(value)
  else if (field === 'retry' && /^\d+$/.test(value)) message.retry = Number(value)
}
