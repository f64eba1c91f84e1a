import type { Issue, Warning } from '../errors.ts'

/** Problems that are kept: one more than an answer lists, which then says so. A graph has more places than a request has bytes. */
export const MOST_PROBLEMS = 1_000

/** What is found while a configuration is checked; pointers into the configuration become pointers into the workflow. */
export class Findings {
  readonly problems: Issue[] = []
  readonly warnings: Warning[] = []
  #count = 0

  /** Of all problems, also those that are not kept. */
  get count(): number {
    return this.#count
  }

  /** Gives undefined, so that whoever resolves something can return it. */
  problem(pointer: string, code: string, message: string): undefined {
    this.add({ pointer: `/configuration${pointer}`, code, message })
  }

  /** @param issue with a pointer into the workflow */
  add(issue: Issue): void {
    this.#count++
    if (this.problems.length <= MOST_PROBLEMS) this.problems.push(issue)
  }

  warn(pointer: string, code: string, message: string): void {
    this.warnings.push({ code, message, pointer: `/configuration${pointer}` })
  }

  /** The list under a key, with the place of each item; none where it holds something else. */
  list(configuration: Record<string, unknown>, key: string, at = ''): [unknown, number][] {
    const value = configuration[key] ?? []
    if (Array.isArray(value)) return value.map((item, index) => [item, index])
    this.problem(`${at}/${key}`, 'wrong_type', `'${key}' must be a list.`)
    return []
  }
}
