import { isObject, type StepNode } from './definition.ts'
import type { Findings } from './findings.ts'
import { LEGACY_KINDS, type StepKinds } from './step-kind.ts'

/** Checks the form of steps; what their kinds demand of their configs is checked when they are compiled. */
export class StepResolver {
  readonly #findings: Findings
  readonly #kinds: StepKinds

  constructor(kinds: StepKinds, findings: Findings) {
    this.#kinds = kinds
    this.#findings = findings
  }

  resolve(value: unknown, index: number): StepNode | undefined {
    const pointer = `/steps/${index}`
    if (!isObject(value)) return this.#findings.problem(pointer, 'wrong_type', `Step ${index} must be an object.`)
    const { position: _position, ...node } = value
    const id = node['step_id']
    if (typeof id !== 'string' || id === '') {
      return this.#findings.problem(
        `${pointer}/step_id`,
        'required',
        `Step ${index} needs a 'step_id', which names it within this workflow.`,
      )
    }
    const kind = this.#resolveKind(node['step_type'], id, pointer)
    const config = node['config'] ?? {}
    if (!isObject(config)) return this.#findings.problem(`${pointer}/config`, 'wrong_type', `The config of step '${id}' must be an object.`)
    const dependencies = this.#findings.list(node, 'dependencies', pointer).map(([dependency]) => dependency as string)
    // Kept with a kind that nobody knows, too: connections to it are no further mistake.
    return { ...node, step_id: id, step_type: kind ?? '', config, ...(dependencies.length > 0 ? { dependencies } : {}) }
  }

  #resolveKind(type: unknown, id: string, pointer: string): string | undefined {
    if (typeof type !== 'string' || type === '') {
      return this.#findings.problem(`${pointer}/step_type`, 'required', `Step '${id}' needs a 'step_type': one of ${this.#names()}.`)
    }
    const kind = Object.hasOwn(LEGACY_KINDS, type) ? LEGACY_KINDS[type]! : type
    if (this.#kinds.has(kind)) return kind
    return this.#findings.problem(
      `${pointer}/step_type`,
      'unknown_step_type',
      `Step '${id}' is of type '${type}', which this server does not know. It may be one of ${this.#names()}.`,
    )
  }

  #names(): string {
    return [...this.#kinds.keys()].join(', ')
  }
}
