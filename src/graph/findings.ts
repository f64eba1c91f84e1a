import type { Issue, Warning } from '../errors.ts'

/** What is found while a configuration is checked; pointers into the configuration become pointers into the workflow. */
export class Findings {
  readonly problems: Issue[] = []
  readonly warnings: Warning[] = []

  /** Gives undefined, so that whoever resolves something can return it. */
  problem(pointer: string, code: string, message: string): undefined {
    this.problems.push({ pointer: `/configuration${pointer}`, code, message })
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
