import { Budget, DEFAULT_LIMITS } from './budget.ts'
import { engine } from './engine.ts'
import type { Rendering, Values } from './render-context.ts'

export interface RenderOptions {
  /** Those that `secretNames` lists, by name. Without it no template reads a secret. */
  secrets?: Readonly<Record<string, string>>
  /** Of CPU time; 10 by default. */
  milliseconds?: number
  /** That may be made, the output included; a million by default. */
  characters?: number
}

/** One rendering, of a text or of all texts of a mapping: they share its limits. */
export function beginRendering(scope: Values, { secrets, ...limits }: RenderOptions = {}): Rendering {
  const { liquid, Rendering } = engine()
  return new Rendering(liquid, scope, secrets, new Budget({ ...DEFAULT_LIMITS, ...limits }))
}
