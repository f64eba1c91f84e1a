import type { StepKind, StepKinds } from '../graph/step-kind.ts'
import { agentStep } from './agent/kind.ts'
import { approval } from './approval/kind.ts'
import { branch } from './branch/kind.ts'
import { code } from './code/kind.ts'
import { http } from './http/kind.ts'
import { loop } from './loop/kind.ts'
import { map } from './map/kind.ts'
import { notify } from './notify/kind.ts'
import { output } from './output/kind.ts'
import { signal } from './signal/kind.ts'
import { transform } from './transform/kind.ts'
import { wait } from './wait/kind.ts'
import { workflow } from './workflow/kind.ts'

const all: readonly StepKind[] = [http, transform, branch, map, loop, workflow, code, wait, approval, signal, notify, output, agentStep]

/** Every kind of step, by its name. A new one is a folder and a line here. */
export const stepKinds: StepKinds = new Map(all.map((kind) => [kind.kind, kind]))
