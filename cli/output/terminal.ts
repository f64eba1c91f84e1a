import { createInterface } from 'node:readline/promises'
import { styleText } from 'node:util'
import { CommandFailed, EXIT } from '../frame/exit.ts'

type Style = Parameters<typeof styleText>[0]

/** Data goes to the standard output; whatever is said on the way, and questions, to the standard error output. */
export class Terminal {
  readonly isTerminal = process.stdout.isTTY
  readonly #talks = process.stderr.isTTY
  #quiet = false
  /** What the live line says; undefined while there is none. */
  #live: string | undefined

  beQuiet(): void {
    this.#quiet = true
  }

  /** Columns that a line may have; without a terminal there is no end to it. */
  get width(): number {
    // A terminal that was never given a size says 0.
    return this.isTerminal ? process.stdout.columns || 80 : Number.POSITIVE_INFINITY
  }

  /** Data, exactly so. */
  write(text: string): void {
    this.#clear()
    process.stdout.write(text)
  }

  /** Data that may have names and values from elsewhere in it: exactly so for a pipe, harmless for whoever looks. */
  line(text: string): void {
    this.write(`${this.isTerminal ? harmlessInColours(text) : text}\n`)
  }

  /** A sentence on the way. */
  say(text: string): void {
    if (!this.#quiet) this.warn(text)
  }

  /** What has to be read, also where the way there is of no interest. */
  warn(text: string): void {
    this.#clear()
    process.stderr.write(`${harmlessInColours(text)}\n`)
  }

  /** What is being done now: one live line in a terminal, a line with the time elsewhere. */
  phase(text: string): void {
    if (this.#quiet) return
    if (!this.#talks) {
      process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${harmless(text)}\n`)
      return
    }
    this.#clear()
    this.#live = text
    process.stderr.write(coloured('dim', `${harmless(text)} …`, process.stderr))
  }

  #clear(): void {
    if (this.#live === undefined) return
    this.#live = undefined
    process.stderr.write('\r\u001b[2K')
  }

  /** In colour where somebody looks and has not asked for none (NO_COLOR). */
  style(style: Style, text: string): string {
    return coloured(style, text, process.stdout)
  }

  styleError(style: Style, text: string): string {
    return coloured(style, text, process.stderr)
  }

  /** @throws CommandFailed where nobody can be asked, or the answer is no */
  async confirm(question: string): Promise<void> {
    const answer = await this.#ask(`${question} [y/N] `)
    if (!/^y(es)?$/i.test(answer.trim())) throw new CommandFailed(EXIT.confirmation, 'not_confirmed', 'Nothing was changed.')
  }

  /** For what cannot be undone: the name is typed again. */
  async confirmByName(question: string, name: string): Promise<void> {
    const answer = await this.#ask(`${question}\nType '${name}' to go on: `)
    if (answer.trim() !== name) throw new CommandFailed(EXIT.confirmation, 'not_confirmed', `That is not '${name}'. Nothing was changed.`)
  }

  async #ask(question: string): Promise<string> {
    this.#clear()
    if (!process.stdin.isTTY) {
      throw new CommandFailed(EXIT.confirmation, 'confirmation_needed', question.split('\n')[0]!.replace(/ \[y\/N\] $/, ''), {
        next: 'Nobody can be asked here. Say --yes to do it.',
      })
    }
    const lines = createInterface({ input: process.stdin, output: process.stderr })
    const interrupted = new AbortController()
    lines.once('SIGINT', () => interrupted.abort())
    lines.once('close', () => interrupted.abort())
    try {
      return await lines.question(harmless(question), { signal: interrupted.signal })
    } catch {
      throw new CommandFailed(EXIT.interrupted, 'interrupted', 'Nothing was changed.')
    } finally {
      lines.close()
    }
  }
}

/** https://no-color.org: whoever sets NO_COLOR gets none, whatever else is set. */
function coloured(style: Style, text: string, stream: NodeJS.WriteStream): string {
  return process.env['NO_COLOR'] ? text : styleText(style, text, { stream })
}

/** Text from elsewhere, without what could steer a terminal; line breaks and tabs stay. */
export function harmless(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '')
}

/** As `harmless`, of text that has our own colours in it. */
export function harmlessInColours(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replaceAll(/\u001b(?!\[\d{1,2}m)|[\u0000-\u0008\u000b-\u001a\u001c-\u001f\u007f-\u009f]/g, '')
}
