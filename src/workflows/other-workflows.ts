import { isObject, type Definition } from '../graph/definition.ts'
import type { OtherWorkflow } from '../graph/resolve.ts'
import type { Db } from '../store/store.ts'
import type { WorkflowRow } from '../store/tables.ts'
import { findWorkflow, findWorkflowByName } from './repository.ts'
import type { ResolvedWorkflow } from './resolve-workflow.ts'

/** How deep workflows may stand in each other. */
const DEEPEST = 8

/** What a workflow with all those in it may come to: each is a part of the release as often as it stands in it. */
const MOST_NODES = 20_000
const MOST_CHARACTERS = 10_000_000

/** How large a workflow is with those in it. */
interface Extent {
  /** 1 where there are none in it. */
  depth: number
  nodes: number
  characters: number
}

interface Resolved extends Extent {
  resolution: ResolvedWorkflow
}

export interface Others {
  /** By the place of the step that runs it. */
  byStep: Map<number, OtherWorkflow>
  /** What they refer to. */
  resolved: ResolvedWorkflow[]
}

/**
 * The workflows in one that is resolved, and in those again, as they are now. Each is resolved once, however often it is run:
 * where it stands says nothing about what it is, but for how deep it may be.
 */
export class OtherWorkflows {
  readonly #db: Db
  readonly #resolve: (workflow: WorkflowRow, others: OtherWorkflows) => Promise<ResolvedWorkflow>
  readonly #resolved = new Map<string, Resolved>()
  readonly #extents = new Map<WorkflowRow['workflow_id'], Extent>()
  /** The ids of those that are being resolved: each stands in the one before it, and none runs itself, however far down. */
  readonly #above: string[]

  constructor(db: Db, outermost: string, resolve: (workflow: WorkflowRow, others: OtherWorkflows) => Promise<ResolvedWorkflow>) {
    this.#db = db
    this.#resolve = resolve
    this.#above = [outermost]
  }

  /** Those that the steps of a configuration run. @param text the configuration as JSON */
  async of(configuration: unknown, text: string): Promise<Others> {
    const byStep: Others['byStep'] = new Map()
    const resolved = new Set<ResolvedWorkflow>()
    const own = this.#above.at(-1)!
    const extent = { depth: 1, nodes: nodesIn(configuration), characters: text.length }
    for (const [index, step] of stepsOf(configuration).entries()) {
      if (!isObject(step) || step['step_type'] !== 'workflow' || !isObject(step['config'])) continue
      const other = await this.#find(step['config'])
      if ('code' in other) {
        byStep.set(index, other)
        continue
      }
      const { resolution } = other
      resolved.add(resolution)
      grow(extent, other)
      byStep.set(index, resolution.problems.length > 0 ? invalid(other.name, resolution) : (this.#beyond(extent, other) ?? resolution))
    }
    this.#extents.set(own, extent)
    return { byStep, resolved: [...resolved] }
  }

  async #find(config: Record<string, unknown>): Promise<(Resolved & { name: string }) | Problem> {
    const row = await find(this.#db, config)
    if ('code' in row) return row
    const { workflow_id: id, name } = row
    if (this.#above.includes(id)) return { code: 'workflow_in_itself', message: inItself(row) }
    if (this.#above.length >= DEEPEST) return { code: 'nested_too_deep', message: tooDeep(name) }
    const known = this.#resolved.get(id)
    if (known) return { ...known, name }
    this.#above.push(id)
    const resolution = await this.#resolve(row, this)
    this.#above.pop()
    const { depth, nodes, characters } = this.#extents.get(id)!
    // What was filled in counts as well.
    const filledIn = JSON.stringify(withoutOthers(resolution.definition)).length - row.configuration.length
    const resolved = { resolution, depth, nodes, characters: characters + Math.max(0, filledIn) }
    this.#resolved.set(id, resolved)
    return { ...resolved, name }
  }

  #beyond({ nodes, characters }: Extent, { name, depth }: Resolved & { name: string }): Problem | undefined {
    if (this.#above.length + depth > DEEPEST) return { code: 'nested_too_deep', message: tooDeep(name) }
    if (nodes > MOST_NODES) return { code: 'workflow_too_large', message: tooLarge(name, `${MOST_NODES} steps and agents`) }
    if (characters > MOST_CHARACTERS) return { code: 'workflow_too_large', message: tooLarge(name, `${MOST_CHARACTERS} characters`) }
    return undefined
  }
}

interface Problem {
  code: string
  message: string
}

/** By one that stands in it. */
function grow(extent: Extent, other: Extent): void {
  extent.depth = Math.max(extent.depth, other.depth + 1)
  extent.nodes += other.nodes
  extent.characters += other.characters
}

/** But for what was resolved in workflows of their own. */
export function withoutOthers(definition: Definition): Definition {
  if (!definition.steps?.some((step) => step.step_type === 'workflow')) return definition
  const steps = definition.steps.map((step) =>
    step.step_type === 'workflow' ? { ...step, config: { ...step.config, definition: null } } : step,
  )
  return { ...definition, steps }
}

function stepsOf(configuration: unknown): unknown[] {
  return isObject(configuration) && Array.isArray(configuration['steps']) ? (configuration['steps'] as unknown[]) : []
}

function nodesIn(configuration: unknown): number {
  const agents = isObject(configuration) && Array.isArray(configuration['agents']) ? configuration['agents'].length : 0
  return agents + stepsOf(configuration).length
}

async function find(db: Db, { workflow_id, workflow }: Record<string, unknown>): Promise<WorkflowRow | Problem> {
  if (typeof workflow_id !== 'string' && typeof workflow !== 'string') {
    return { code: 'unknown_workflow', message: `The step names no workflow to run: give it a 'workflow_id', or a 'workflow' by its name.` }
  }
  const row =
    typeof workflow_id === 'string' ? await findWorkflow(db, workflow_id.toLowerCase()) : await findWorkflowByName(db, String(workflow))
  return row ?? { code: 'unknown_workflow', message: `There is no workflow '${String(workflow_id ?? workflow)}' to run.` }
}

function invalid(name: string, { problems }: ResolvedWorkflow): Problem {
  const [first] = problems
  const count = problems.length === 1 ? 'a problem' : `${problems.length} problems, the first`
  return { code: 'workflow_invalid', message: `The workflow '${name}' has ${count} at ${first!.pointer}: ${first!.message}` }
}

function inItself({ name }: WorkflowRow): string {
  return `The workflow '${name}' would run itself, directly or by those that it runs.`
}

function tooDeep(name: string): string {
  return `The workflow '${name}' makes more than ${DEEPEST} that stand in each other.`
}

function tooLarge(name: string, most: string): string {
  return `With the workflow '${name}' and those that it runs, each counted as often as it is run, there would be more than ${most}.`
}
