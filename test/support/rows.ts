import { randomUUIDv7 } from 'node:crypto'
import type { WorkflowRow } from '../../src/store/tables.ts'

/** A workflow with nothing in it. */
export function workflowRow(name: string, now = 1): WorkflowRow {
  return {
    workflow_id: randomUUIDv7(),
    name,
    version: '1.0.0',
    description: null,
    configuration: '{}',
    tags: null,
    created_by: null,
    is_active: 1,
    is_editable: 1,
    revision: 1,
    created_at: now,
    updated_at: now,
  }
}
