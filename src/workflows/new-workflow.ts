import type { WorkflowRow } from '../store/tables.ts'

/** What a workflow is made of; what is left out has a default. */
export interface NewWorkflow {
  name: string
  configuration: Record<string, unknown>
  version?: string
  description?: string
  tags?: string[]
  created_by?: string
  is_active?: boolean
  is_editable?: boolean
}

export function newWorkflow(workflow: NewWorkflow, workflow_id: string, now: number): WorkflowRow {
  return {
    workflow_id,
    name: workflow.name,
    version: workflow.version ?? '1.0.0',
    description: workflow.description ?? null,
    configuration: JSON.stringify(workflow.configuration),
    tags: workflow.tags ? JSON.stringify(workflow.tags) : null,
    created_by: workflow.created_by ?? null,
    is_active: workflow.is_active === false ? 0 : 1,
    is_editable: workflow.is_editable === false ? 0 : 1,
    revision: 1,
    created_at: now,
    updated_at: now,
  }
}
