import { isContent, isRetry, isStatus, type StudioEvent } from '@agent-studio/client'
import type { Call } from '../frame/call.ts'
import { harmless } from '../output/terminal.ts'

/** Prints the events of an execution: the answer's text as it comes, everything else in lines of its own; or each as JSON. */
export class EventPrinter {
  readonly #call: Call
  readonly #aside: 'stdout' | 'stderr'
  readonly #all: StudioEvent[] = []
  #isInText = false

  /** @param aside where to print what is not the answer's text */
  constructor(call: Call, { aside }: { aside: 'stdout' | 'stderr' }) {
    this.#call = call
    this.#aside = aside
  }

  print(event: StudioEvent): void {
    const { terminal, show } = this.#call
    if (show.format === 'jsonl') return terminal.line(JSON.stringify(event))
    // One document at the end.
    if (show.isForPrograms) return void this.#all.push(event)
    if (!isContent(event)) return this.#tell(this.describe(event))
    terminal.write(terminal.isTerminal ? harmless(event.data) : event.data)
    this.#isInText = !event.data.endsWith('\n')
  }

  /** After the last one. @param document whether machine formats get all events as one */
  end({ document = false } = {}): Promise<void> {
    this.#endLine()
    return document && this.#call.show.format !== 'jsonl' && this.#call.show.isForPrograms
      ? this.#call.show.done(this.#all, '', '')
      : Promise.resolve()
  }

  describe(event: StudioEvent): string {
    if (isStatus(event)) {
      if (event.status === 'started')
        return `started${event.release ? ` on release ${event.release}` : ''}${event.environment ? ` in ${event.environment}` : ''}`
      return event.status === 'completed' ? 'completed' : `failed: ${event.error} (${event.code})`
    }
    if (isRetry(event))
      return `retry: attempt ${event.attempt} of ${event.step_id} was abandoned${event.discard > 0 ? `, and the last ${event.discard} characters are void` : ''}`
    const {
      type,
      id: _id,
      execution_id,
      deployment_name: _name,
      workflow_id: _workflow,
      timestamp: _time,
      ...rest
    } = event as Record<string, unknown>
    if (type === 'step')
      return `step ${String(rest['name'])} (${String(rest['kind'])}) ${String(rest['state'])}${Number(rest['attempt']) > 1 ? `, attempt ${String(rest['attempt'])}` : ''}`
    if (type === 'approval') return `waits for a decision: agent-studio approvals approve ${String(execution_id)}  ${short(rest)}`
    return `${String(type)} ${short(rest)}`
  }

  #tell(text: string): void {
    const { terminal } = this.#call
    this.#endLine()
    const line = `· ${harmless(text).replaceAll('\n', ' ')}`
    if (this.#aside === 'stdout') terminal.line(terminal.style('dim', line))
    else terminal.say(terminal.styleError('dim', line))
  }

  #endLine(): void {
    if (this.#isInText) this.#call.terminal.write('\n')
    this.#isInText = false
  }
}

const SHORT = 200

function short(rest: Record<string, unknown>): string {
  const text = Object.entries(rest)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ')
  return text.length > SHORT ? `${text.slice(0, SHORT)}…` : text
}
