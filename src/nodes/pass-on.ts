import { GIVEN, type Scope } from '../graph/scope.ts'

/**
 * What a step gives that says nothing of its own: what the nodes before it gave, by their ids where there are several, and
 * what the body that it stands in, or else the execution, was given where there is none.
 */
export function passOn(scope: Scope, before: readonly string[]): unknown {
  const completed = before.filter((id) => scope.steps[id]?.status === 'completed')
  if (completed.length === 0) return GIVEN in scope ? scope[GIVEN] : (scope.input ?? scope.query)
  if (completed.length === 1) return scope.steps[completed[0]!]!.output
  return Object.fromEntries(completed.map((id) => [id, scope.steps[id]!.output]))
}
