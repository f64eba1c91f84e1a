/** A client for tests: every call gives status, headers and the parsed body, whatever the status. */
export interface Answer {
  status: number
  headers: Headers
  // Tests look into bodies of every shape; what is not there fails the assertion.
  body: any
}

export async function call(
  url: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(url + path, {
    method,
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text ? JSON.parse(text) : undefined }
}

export interface StreamedEvent {
  id: number
  data: any
  /** Milliseconds since the request began. */
  at: number
}

/** Reads server-sent events until the stream ends, or until `enough` says so. */
export async function readEvents(response: Response, enough: (event: StreamedEvent) => boolean = () => false): Promise<StreamedEvent[]> {
  const began = performance.now()
  const events: StreamedEvent[] = []
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body!) {
    text += decoder.decode(chunk, { stream: true })
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const block = text.slice(0, end)
      text = text.slice(end + 2)
      const id = /^id: (\d+)$/m.exec(block)
      const data = /^data: (.*)$/m.exec(block)
      if (!id || !data) continue
      events.push({ id: Number(id[1]), data: JSON.parse(data[1]!), at: performance.now() - began })
      if (enough(events.at(-1)!)) return events
    }
  }
  return events
}

/** The text that remains of a stream: pieces, less what a retry made void (counted in code points). */
export function remainingText(events: readonly StreamedEvent[]): string {
  let characters: string[] = []
  for (const { data } of events) {
    // One by one: as arguments of one call a long piece would be too many.
    if (data.type === 'content') for (const character of data.data) characters.push(character)
    if (data.type === 'retry') characters = characters.slice(0, characters.length - data.discard)
  }
  return characters.join('')
}

/** Waits for a condition, not for a duration. */
export async function until<Value>(look: () => Promise<Value | undefined | false>, what: string, ms = 15_000): Promise<Value> {
  const deadline = performance.now() + ms
  for (;;) {
    const value = await look()
    if (value) return value
    if (performance.now() > deadline) throw new Error(`waited ${ms} ms in vain for: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}

/** A key of the right form that nobody has. */
export function misspelt(key: string): string {
  return key.slice(0, -1) + (key.endsWith('x') ? 'y' : 'x')
}
