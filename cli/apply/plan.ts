import type { Call } from '../frame/call.ts'
import type { Comparison } from '../commands/comparison.ts'
import { idOf, type StudioObject } from './documents.ts'
import { planDeployment } from './plan-deployment.ts'
import { planSecret, planVariable } from './plan-values.ts'
import { planWorkflow } from './plan-workflow.ts'

export type Action =
  | 'create'
  | 'update'
  | 'unchanged'
  /** It is not what was applied last, and not what the files say: somebody else changed it. */
  | 'drift'
  /** It cannot be done as it is. */
  | 'blocked'
  | 'delete'

/** What is going to become of one object. */
export interface Planned {
  id: string
  kind: StudioObject['kind']
  name: string
  environment?: string
  action: Action
  /** What will be done, or why not, in a sentence. */
  summary: string
  changes?: Comparison | undefined
  /** Does it, and says what was done. Undefined where there is nothing to do. */
  act?: () => Promise<string>
}

export interface Planning {
  call: Call
  force: boolean
  objects: readonly StudioObject[]
  /** What is planned so far: a deployment looks what becomes of its workflow. */
  planned: readonly Planned[]
}

/** In this order, since each may need what is before it. */
const ORDER: readonly StudioObject['kind'][] = ['Variable', 'SecretRef', 'Workflow', 'Deployment']

/** Looks at everything and changes nothing. */
export async function makePlan(call: Call, objects: readonly StudioObject[], force: boolean): Promise<Planned[]> {
  const sorted = objects.toSorted((one, other) => ORDER.indexOf(one.kind) - ORDER.indexOf(other.kind))
  const planned: Planned[] = []
  for (const object of sorted) {
    call.terminal.phase(`Looking at ${idOf(object)}`)
    const planning = { call, force, objects, planned }
    if (object.kind === 'Workflow') planned.push(await planWorkflow(planning, object))
    else if (object.kind === 'Deployment') planned.push(await planDeployment(planning, object))
    else if (object.kind === 'Variable') planned.push(await planVariable(planning, object))
    else planned.push(await planSecret(planning, object))
  }
  return planned
}

/** Whether it must not be begun. */
export function isBlocked({ action }: Planned): boolean {
  return action === 'drift' || action === 'blocked'
}
