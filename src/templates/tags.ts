import type { Context, Emitter, Liquid, Parser, TagToken, Template, TopLevelToken } from 'liquidjs'
import type { LiquidModule } from './liquid.ts'
import { OutputText } from './output.ts'
import type { Rendering } from './render-context.ts'

/** Tags that LiquidJS has and templates do not, and why. */
const REFUSED: Record<string, string> = {
  block: 'a template stands alone',
  cycle: 'use forloop.index and modulo',
  decrement: 'use assign and minus',
  include: 'a template stands alone',
  increment: 'use assign and plus',
  layout: 'a template stands alone',
  render: 'a template stands alone',
  tablerow: 'use for',
}

type TagClass = Parameters<Liquid['registerTag']>[1]

/** Replaces the tags of LiquidJS that know no limits. */
export function registerTags(engine: Liquid, { CaptureTag, CaseTag, Tag, evalToken, toValue, toValueSync }: LiquidModule): void {
  /** As LiquidJS's, with an output that is bounded. */
  class BoundedCapture extends CaptureTag {
    override *render(context: Context): Generator<unknown, void, string> {
      const output = new OutputText((context as Rendering).budget, toValue)
      yield this.liquid.renderer.renderTemplates(this.templates, context, output)
      context.bottom()[this.variable] = output.buffer
    }
  }

  /** As LiquidJS's, with comparisons that are bounded. */
  class BoundedCase extends CaseTag {
    override *render(context: Context, emitter: Emitter): Generator<unknown, void, unknown> {
      const { comparison } = context as Rendering
      const target = toValueSync(this.value.value(context))
      const isMeant = (token: Parameters<typeof evalToken>[0]): boolean => comparison.equal(target, toValueSync(evalToken(token, context)))
      const branch = this.branches.find(({ values }) => values.some(isMeant))
      yield this.liquid.renderer.renderTemplates(branch?.templates ?? this.elseTemplates, context, emitter)
    }
  }

  /** LiquidJS looks for a wrong line with a pattern that takes quadratic time. */
  class LineComment extends Tag {
    constructor(token: TagToken, rest: TopLevelToken[], liquid: Liquid) {
      super(token, rest, liquid)
      const lines = token.args.split('\n').slice(1)
      if (lines.some((line) => line.trim() !== '' && !line.trim().startsWith('#')))
        throw new Error('every line of such a comment begins with #')
    }

    render(): void {}
  }

  engine.registerTag('capture', BoundedCapture as TagClass)
  engine.registerTag('case', BoundedCase as TagClass)
  engine.registerTag('#', LineComment as TagClass)
  for (const [name, reason] of Object.entries(REFUSED)) {
    class Refused extends Tag {
      constructor(token: TagToken, rest: TopLevelToken[], liquid: Liquid, _parser: Parser) {
        super(token, rest, liquid)
        throw new Error(`the tag '${name}' is not available: ${reason}`)
      }

      render(): Template | undefined {
        return undefined
      }
    }
    engine.registerTag(name, Refused as TagClass)
  }
}
