import type { StepCompiler } from '../graph/step-kind.ts'
import { calculate, CalculationFailed } from './calculate.ts'
import { httpRequest, httpRequestProperties, type HttpRequestConfig } from './http-request.ts'
import { lookUp, LookUpFailed } from './look-up.ts'
import { schemaOf } from './parameters.ts'
import { refused } from './refused.ts'
import { common, commonProperties, type CommonConfig, type Tool, type ToolType } from './tool.ts'

interface Config extends CommonConfig {
  name: string
  description?: string
}

type Made = Pick<Tool, 'parameters' | 'run'> & Partial<Tool> & { description: string }

const currentTime: Made = {
  description: 'Tells the current date and time, in UTC and in a time zone.',
  parameters: {
    type: 'object',
    properties: {
      timezone: { type: 'string', maxLength: 100, description: 'An IANA time zone such as Europe/Berlin; UTC where it is left out.' },
    },
    additionalProperties: false,
  },
  pure: true,
  // Recorded with its step, so that the execution goes on with the same time after a restart.
  run: async ({ arguments: { timezone = 'UTC' } }) => {
    const now = new Date()
    const zone = String(timezone)
    try {
      const format = new Intl.DateTimeFormat('en-GB', { timeZone: zone, dateStyle: 'full', timeStyle: 'long' })
      return { utc: now.toISOString(), timezone: zone, local: format.format(now) }
    } catch {
      throw refused(`'${zone}' is no time zone. Use a name such as Europe/Berlin.`)
    }
  },
}

const calculator: Made = {
  description:
    'Calculates an arithmetic expression exactly, such as (12.5 + 3) * 4 / round(7.2). Knows + - * / % ^, brackets, min, max, sqrt, round and more.',
  parameters: {
    type: 'object',
    properties: { expression: { type: 'string', maxLength: 1_000 } },
    required: ['expression'],
    additionalProperties: false,
  },
  pure: true,
  run: async ({ arguments: { expression } }) => {
    try {
      return calculate(String(expression))
    } catch (error) {
      throw error instanceof CalculationFailed ? refused(error.message) : error
    }
  },
}

const jsonLookup: Made = {
  description:
    'Reads one value of the input of this execution (/input/…) or of what an earlier step gave (/steps/<id>/output/…), by its JSON pointer.',
  parameters: {
    type: 'object',
    properties: { pointer: { type: 'string', maxLength: 1_000, description: 'RFC 6901, such as /input/orders/0/total.' } },
    required: ['pointer'],
    additionalProperties: false,
  },
  pure: true,
  run: async ({ arguments: { pointer }, scope: { input, steps } }) => {
    try {
      return lookUp({ input, steps }, String(pointer))
    } catch (error) {
      throw error instanceof LookUpFailed ? refused(error.message) : error
    }
  },
}

/** Those that need nothing said of them. */
const plain = new Map<string, Made>([
  ['current_time', currentTime],
  ['calculator', calculator],
  ['json_lookup', jsonLookup],
])

export const builtInNames: readonly string[] = [...plain.keys(), 'http_request']

export const builtIn: ToolType = {
  type: 'builtin',
  title: 'Built in',
  description: 'A tool of the server itself. Written as its name alone, or as an object where there is something to say of it.',
  schema: {
    type: 'object',
    required: ['name'],
    properties: {
      type: { const: 'builtin' },
      name: { enum: builtInNames },
      description: { type: 'string', maxLength: 10_000 },
      ...httpRequestProperties,
      ...commonProperties,
    },
    additionalProperties: false,
  },
  compile(config: Config & HttpRequestConfig, compiler) {
    return [config.name === 'http_request' ? httpRequest(config, compiler) : fixed(config, compiler)]
  },
}

function fixed(config: Config, compiler: StepCompiler): Tool {
  const made = plain.get(config.name)!
  return {
    writes: () => false,
    ...common(config),
    ...made,
    name: config.name,
    description: config.description ?? made.description,
    schema: schemaOf(made.parameters, compiler),
  }
}
