import { readFileSync } from 'node:fs'

/** Looks at the resident memory of a process several times a second. Megabytes. */
export class RssWatch {
  peak = 0
  readonly #pid: number
  readonly #timer: NodeJS.Timeout

  constructor(pid: number) {
    this.#pid = pid
    this.#look()
    this.#timer = setInterval(() => this.#look(), 50)
  }

  stop(): number {
    clearInterval(this.#timer)
    this.#look()
    return this.peak
  }

  #look(): void {
    const kilobytes = /^VmRSS:\s+(\d+)/m.exec(readStatus(this.#pid))?.[1]
    if (kilobytes) this.peak = Math.max(this.peak, Math.round(Number(kilobytes) / 1024))
  }
}

/** Empty once the process has ended. */
function readStatus(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8')
  } catch {
    return ''
  }
}
