import { allWorkflows } from '../commands/find.ts'
import { summarize } from '../commands/comparison.ts'
import { CommandFailed, EXIT } from '../frame/exit.ts'
import { digestOf, recordOf, withRecord, type Applied } from './applied.ts'
import { compareWorkflows } from './compare.ts'
import { idOf, type WorkflowObject } from './documents.ts'
import type { Planned, Planning } from './plan.ts'

/** The draft. What is deployed of it stays as it is, whatever becomes of the draft. */
export async function planWorkflow({ call, force }: Planning, object: WorkflowObject): Promise<Planned> {
  const { name, version } = object
  const planned = { id: idOf(object), kind: object.kind, name: `${name}@${version}` }
  const now = (await allWorkflows(call)).find((one) => one.name === name && one.version === version)
  if (!now) {
    const act = async (): Promise<string> => {
      const made = await call.studio.call('createWorkflow', { body: bodyOf(object, object) })
      return `created (${made.workflow_id})`
    }
    return { ...planned, action: 'create', summary: 'will be created', act }
  }
  const wanted = { ...now, ...object }
  const changes = await compareWorkflows(now, wanted)
  if (changes.identical) return { ...planned, action: 'unchanged', summary: 'is what the file says' }
  const seen = digestOf(now)
  const act = async (): Promise<string> => {
    const current = await call.studio.call('getWorkflow', { path: { workflow_id: now.workflow_id } })
    if (digestOf(current) !== seen) throw changedMeanwhile(planned.id)
    await call.studio.call('updateWorkflow', { path: { workflow_id: now.workflow_id }, body: bodyOf(object, wanted) })
    return 'updated; what is deployed stays as it is'
  }
  const record = recordOf(now.configuration)
  if (record === seen || force)
    return { ...planned, action: 'update', summary: `the draft will be changed: ${summarize(changes)}`, changes, act }
  const why = record === undefined ? 'was not made by apply' : `was changed since it was applied (${now.updated_at})`
  return { ...planned, action: 'drift', summary: `${why}; --force overwrites it: ${summarize(changes)}`, changes }
}

export function changedMeanwhile(id: string): CommandFailed {
  return new CommandFailed(EXIT.conflict, 'changed_meanwhile', `${id} was changed by somebody else while this ran.`, {
    next: 'Look at the plan again.',
  })
}

/** @param whole with what the file leaves out, for the record is of everything */
function bodyOf({ name, version, description, tags }: WorkflowObject, whole: Applied) {
  return {
    name,
    version,
    ...(description !== undefined && { description }),
    ...(tags !== undefined && { tags }),
    configuration: withRecord(whole),
  }
}
