import { joined, type AnswerHead } from './exchange.ts'

/** What another server answered, with its body still to be read: once, by one of `body`, `bytes` and `text`. */
export class Answer {
  readonly status: number
  /** The words beside the status. */
  readonly phrase: string
  /** By names in lower case; one that came several times is joined by commas. */
  readonly headers: Readonly<Record<string, string>>
  /** Each cookie that it sets, which cannot be joined. */
  readonly cookies: readonly string[]
  /** The one that answered, at the end of all redirects. */
  readonly url: string
  readonly redirected: boolean
  /** Fails with an OutgoingError, or the reason of the signal. Null where there can be none. */
  readonly body: ReadableStream<Uint8Array> | null

  constructor({ status, phrase, headers, body }: AnswerHead, place: { url: string; redirected: boolean }) {
    const { 'set-cookie': cookies, ...others } = headers
    this.status = status
    this.phrase = phrase
    this.headers = joined(others)
    this.cookies = cookies === undefined ? [] : [cookies].flat()
    this.url = place.url
    this.redirected = place.redirected
    this.body = body
  }

  /** @throws OutgoingError where it is larger than the limit, breaks off or takes too long */
  async bytes(): Promise<Uint8Array> {
    const pieces: Uint8Array[] = []
    if (this.body) for await (const piece of this.body) pieces.push(piece)
    return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
  }

  /** In the encoding that the answer names, where it is known, and else in UTF-8. What is no text in it becomes U+FFFD. */
  async text(): Promise<string> {
    return decoderFor(this.headers['content-type']).decode(await this.bytes())
  }

  /** Nobody wants the body. Its connection is closed unless the whole of it has come. */
  async discard(): Promise<void> {
    await this.body?.cancel()
  }
}

function decoderFor(contentType = ''): TextDecoder {
  const charset = /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(contentType)?.[1] ?? 'utf-8'
  try {
    return new TextDecoder(charset)
  } catch {
    return new TextDecoder()
  }
}
