/** Something that a user wrote in JavaScript, and what it is given. */
export interface Program {
  /** The body of an async function in strict mode: it may `await`, and what it returns is its output. */
  source: string
  /**
   * What it finds under global names, such as `input` or `steps`, as JSON gives it: a copy, of own properties only. It finds nothing else besides
   * the language itself and `console`: no timers, no network, no files, no `require`.
   */
  scope: Record<string, unknown>
  /** What its clock shows, all the time (milliseconds since 1970): the same in each attempt, so that each gives the same. */
  now: number
  /** What its random numbers follow from: the same in each attempt, another one for each step. */
  seed: string
  /** Who shares the processes with others: no tenant can hold them all. */
  tenant: string
  /** From when it begins to run; at most `LONGEST_TIMEOUT_MS`. */
  timeoutMs?: number | undefined
  /** Of its own virtual machine; at most `MOST_MEMORY_BYTES`. */
  memoryBytes?: number | undefined
}

export interface ProgramResult {
  /** JSON. */
  output: unknown
  /** What it wrote to `console`, a text for each call, as far as that is kept. */
  logs: string[]
}

/** Where users' JavaScript runs, so that nothing of it reaches anything else. */
export interface Sandbox {
  /**
   * Runs a program in a fresh virtual machine that nobody uses after it.
   * @param signal ends the program, and rejects with its reason
   * @throws CodeFailed, CodeTimedOut, CodeOutOfMemory, CodeInputInvalid, CodeOutputInvalid, which no retry mends
   * @throws SandboxFailed if the machine that we run on has no process for it; ShuttingDown if the sandbox is closed
   */
  run(program: Program, signal: AbortSignal): Promise<ProgramResult>
  /** Ends whatever runs. Resolves when no process is left. */
  close(): Promise<void>
}

export const DEFAULT_TIMEOUT_MS = 1_000
export const LONGEST_TIMEOUT_MS = 60_000
export const DEFAULT_MEMORY_BYTES = 64 * 2 ** 20
export const MOST_MEMORY_BYTES = 256 * 2 ** 20
