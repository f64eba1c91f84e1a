import type { Model } from './linearizable.ts'

/** What clients do to one name in one environment. */
export type Input = { kind: 'deploy'; variant: number } | { kind: 'stop' | 'delete' | 'reactivate' | 'execute' | 'list' }

/** 200 with the release that the answer speaks of (0 for none), or 404. */
export interface Output {
  status: 200 | 404
  release: number
}

export type State = { exists: false } | { exists: true; active: boolean; variant: number; release: number }

const missing: Output = { status: 404, release: 0 }

/** One name, as API.md describes it. */
export const deploymentModel: Model<State, Input, Output> = {
  initial: { exists: false },

  step(state, input) {
    if (input.kind === 'deploy') return deploy(state, input.variant)
    if (input.kind === 'list') return { state, output: { status: 200, release: state.exists && state.active ? state.release : 0 } }
    if (!state.exists) return { state, output: missing }
    const found: Output = { status: 200, release: 0 }
    switch (input.kind) {
      case 'stop':
        return { state: { ...state, active: false }, output: found }
      case 'delete':
        return { state: { exists: false }, output: found }
      case 'reactivate':
        return state.active
          ? { state, output: missing }
          : { state: { ...state, active: true }, output: { ...found, release: state.release } }
      case 'execute':
        return { state, output: state.active ? { ...found, release: state.release } : missing }
    }
  },

  matches: (seen, expected) => seen.status === expected.status && seen.release === expected.release,
}

function deploy(state: State, variant: number): { state: State; output: Output } {
  if (!state.exists) return { state: { exists: true, active: true, variant, release: 1 }, output: { status: 200, release: 1 } }
  if (state.active && state.variant === variant) return { state, output: { status: 200, release: state.release } }
  const release = state.release + 1
  return { state: { exists: true, active: true, variant, release }, output: { status: 200, release } }
}
