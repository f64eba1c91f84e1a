import { createRequire } from 'node:module'

export type LiquidModule = typeof import('liquidjs')

let loaded: LiquidModule | undefined

/**
 * LiquidJS, loaded at its first use: it takes about 15 ms, which no start should wait for. Loaded synchronously, so that whoever
 * compiles a workflow need not know.
 */
export function liquid(): LiquidModule {
  return (loaded ??= createRequire(import.meta.url)('liquidjs') as LiquidModule)
}
