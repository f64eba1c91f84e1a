import type { Liquid, LiquidOptions } from 'liquidjs'
import { allFilters } from './filters/index.ts'
import { liquid, type LiquidModule } from './liquid.ts'
import { makeOperators } from './operators.ts'
import { defineRendering, type Rendering, type RenderingClass } from './render-context.ts'
import { registerTags } from './tags.ts'

type Operators = NonNullable<LiquidOptions['operators']>

/** LiquidJS with our filters, tags, comparisons and look-up of paths. */
export interface Engine {
  module: LiquidModule
  liquid: Liquid
  Rendering: RenderingClass
  hasFilter: (name: string) => boolean
}

let made: Engine | undefined

/** Made at its first use. */
export function engine(): Engine {
  return (made ??= makeEngine(liquid()))
}

function makeEngine(module: LiquidModule): Engine {
  const { Drop, Liquid, Tokenizer, isTruthy, toValue } = module
  const engine = new Liquid({
    // Without it LiquidJS asks for the machine's, which takes 20 ms.
    locale: 'en-US',
    groupedExpressions: true,
    ownPropertyOnly: true,
    strictFilters: true,
    strictVariables: true,
    operators: makeOperators(isTruthy) as unknown as Operators,
    relativeReference: false,
    templates: {},
  })
  const filters = allFilters(module.filters)
  for (const name of Object.keys(engine.filters)) engine.unregisterFilter(name)
  for (const [name, filter] of Object.entries(filters)) {
    engine.registerFilter(name, function call(this, value: unknown, ...args: unknown[]) {
      const { context } = this as unknown as { context: Rendering }
      context.budget.tick()
      return filter(context, value instanceof Drop ? toValue(value) : value, args.map(toValue)) ?? null
    })
  }
  registerTags(engine, module)
  const word = (name: string): unknown => (new Tokenizer(name).readValue() as unknown as { content: unknown }).content
  const Rendering = defineRendering(module, { nil: word('nil'), empty: word('empty'), blank: word('blank') })
  return { module, liquid: engine, Rendering, hasFilter: (name) => Object.hasOwn(filters, name) }
}
