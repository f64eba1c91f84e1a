import type { Model } from './linearizable.ts'

/** What clients do to one name in one environment. */
export type Input =
  | { kind: 'deploy' | 'promote'; variant: number }
  | { kind: 'rollback'; to: number }
  | { kind: 'traffic'; routes: readonly Route[] }
  | { kind: 'stop' | 'freeze' | 'delete' | 'reactivate' | 'execute' | 'list' }

export interface Route {
  release: number
  percent: number
}

/** With the release that the answer speaks of: 0 for none. */
export interface Output {
  status: number
  release: number
  /** Of an expected one: any of these will do. */
  among?: readonly number[]
}

interface Present {
  exists: true
  active: boolean
  /** What each release was made of, the first one first. */
  variants: readonly number[]
  routes: readonly Route[]
}

export type State = { exists: false } | Present

const missing: Output = { status: 404, release: 0 }
const found: Output = { status: 200, release: 0 }

/** One name, as API.md describes it. */
export const deploymentModel: Model<State, Input, Output> = {
  initial: { exists: false },

  step(state, input) {
    // A promotion comes from a release of the same definition that is always there.
    if (input.kind === 'deploy' || input.kind === 'promote') return deploy(state, input.variant)
    if (input.kind === 'list') return { state, output: { ...found, release: state.exists && state.active ? liveOf(state) : 0 } }
    if (!state.exists) return { state, output: missing }
    switch (input.kind) {
      case 'stop':
      case 'freeze':
        return { state: { ...state, active: false }, output: found }
      case 'delete':
        return { state: { exists: false }, output: found }
      case 'reactivate':
        return state.active
          ? { state, output: missing }
          : { state: { ...state, active: true }, output: { ...found, release: liveOf(state) } }
      case 'execute':
        return { state, output: state.active ? { ...found, among: serving(state) } : missing }
      case 'rollback':
        return rollBack(state, input.to)
      case 'traffic':
        return divide(state, input.routes)
    }
  },

  matches: (seen, { status, release, among = [release] }) => seen.status === status && among.includes(seen.release),
}

interface Step {
  state: State
  output: Output
}

function deploy(state: State, variant: number): Step {
  const variants = state.exists ? state.variants : []
  if (state.exists && state.active && servesAlone(state, liveOf(state)) && variants[liveOf(state) - 1] === variant)
    return { state, output: { ...found, release: liveOf(state) } }
  const release = variants.length + 1
  const routes = [{ release, percent: 100 }]
  return { state: { exists: true, active: true, variants: [...variants, variant], routes }, output: { ...found, release } }
}

/** It may be done to one that is stopped, which then stays so. */
function rollBack(state: Present, to: number): Step {
  if (to > state.variants.length) return { state, output: { status: 422, release: 0 } }
  if (servesAlone(state, to)) return { state, output: { status: 409, release: 0 } }
  return { state: { ...state, routes: [{ release: to, percent: 100 }] }, output: { ...found, release: to } }
}

function divide(state: Present, routes: readonly Route[]): Step {
  if (!state.active) return { state, output: missing }
  if (routes.some(({ release }) => release > state.variants.length)) return { state, output: { status: 422, release: 0 } }
  return { state: { ...state, routes: routes.toSorted((a, b) => a.release - b.release) }, output: found }
}

/** The one with the largest part, the older of two that have the same. */
function liveOf({ routes }: Present): number {
  return routes.reduce((live, route) => (route.percent > live.percent ? route : live)).release
}

function serving({ routes }: Present): number[] {
  return routes.flatMap(({ release, percent }) => (percent > 0 ? [release] : []))
}

function servesAlone({ routes }: Present, release: number): boolean {
  return routes.some((route) => route.release === release && route.percent === 100)
}
