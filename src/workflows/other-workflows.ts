import { isObject } from '../graph/definition.ts'
import type { OtherWorkflow } from '../graph/resolve.ts'
import type { Db } from '../store/store.ts'
import type { WorkflowRow } from '../store/tables.ts'
import { findWorkflow, findWorkflowByName } from './repository.ts'
import type { ResolvedWorkflow } from './resolve-workflow.ts'

/** How deep workflows may stand in each other. */
const DEEPEST = 8

export interface Others {
  /** By the place of the step that runs it. */
  byStep: Map<number, OtherWorkflow>
  /** What they refer to. */
  resolved: ResolvedWorkflow[]
}

/**
 * The workflows that steps of a configuration run, resolved as they are now.
 * @param above the ids of those that it stands in itself, and its own: none runs itself, however far down
 */
export async function resolveOthers(
  db: Db,
  configuration: unknown,
  above: readonly string[],
  resolve: (workflow: WorkflowRow) => Promise<ResolvedWorkflow>,
): Promise<Others> {
  const others: Others = { byStep: new Map(), resolved: [] }
  const steps = isObject(configuration) && Array.isArray(configuration['steps']) ? (configuration['steps'] as unknown[]) : []
  for (const [index, step] of steps.entries()) {
    if (!isObject(step) || step['step_type'] !== 'workflow' || !isObject(step['config'])) continue
    const row = await find(db, step['config'])
    if ('code' in row) others.byStep.set(index, row)
    else if (above.includes(row.workflow_id)) others.byStep.set(index, { code: 'workflow_in_itself', message: inItself(row) })
    else if (above.length >= DEEPEST) others.byStep.set(index, { code: 'nested_too_deep', message: tooDeep(row) })
    else {
      const resolution = await resolve(row)
      others.byStep.set(index, resolution.problems.length > 0 ? invalid(row, resolution) : resolution)
      others.resolved.push(resolution)
    }
  }
  return others
}

async function find(db: Db, { workflow_id, workflow }: Record<string, unknown>): Promise<WorkflowRow | { code: string; message: string }> {
  if (typeof workflow_id !== 'string' && typeof workflow !== 'string') {
    return { code: 'unknown_workflow', message: `The step names no workflow to run: give it a 'workflow_id', or a 'workflow' by its name.` }
  }
  const row =
    typeof workflow_id === 'string' ? await findWorkflow(db, workflow_id.toLowerCase()) : await findWorkflowByName(db, String(workflow))
  return row ?? { code: 'unknown_workflow', message: `There is no workflow '${String(workflow_id ?? workflow)}' to run.` }
}

function invalid({ name }: WorkflowRow, { problems }: ResolvedWorkflow): OtherWorkflow {
  const [first] = problems
  const count = problems.length === 1 ? 'a problem' : `${problems.length} problems, the first`
  return { code: 'workflow_invalid', message: `The workflow '${name}' has ${count} at ${first!.pointer}: ${first!.message}` }
}

function inItself({ name }: WorkflowRow): string {
  return `The workflow '${name}' would run itself, directly or by those that it runs.`
}

function tooDeep({ name }: WorkflowRow): string {
  return `The workflow '${name}' stands in more than ${DEEPEST} others.`
}
