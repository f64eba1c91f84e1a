import type { Issue } from '../errors.ts'
import { LARGEST_LIMITS, type AgentLimits } from './agent-limits.ts'
import { isObject } from './definition.ts'
import { faultOfUrl } from '../outgoing/target.ts'

interface Rule {
  accepts: (value: unknown) => boolean
  says: string
}

const text: Rule = { accepts: (value) => typeof value === 'string', says: 'must be a string' }
const between = (low: number, high: number): Rule => ({
  accepts: (value) => typeof value === 'number' && value >= low && value <= high,
  says: `must be a number from ${low} to ${high}`,
})
const wholeBetween = (low: number, high: number): Rule => ({
  accepts: (value) => Number.isInteger(value) && (value as number) >= low && (value as number) <= high,
  says: `must be a whole number from ${low} to ${high}`,
})

function isLimits(value: unknown): boolean {
  if (!isObject(value)) return false
  return Object.entries(value).every(([name, limit]) => {
    if (!Object.hasOwn(LARGEST_LIMITS, name) || typeof limit !== 'number') return false
    const isWhole = name === 'max_cost' || Number.isInteger(limit)
    return isWhole && limit > 0 && limit <= LARGEST_LIMITS[name as keyof AgentLimits]
  })
}

function isBaseUrl(value: unknown): boolean {
  return typeof value === 'string' && !/[?#]/.test(value) && faultOfUrl(value) === undefined
}

/** The settings of an agent that this server obeys; what else its config holds is kept and not looked at. */
const rules: Record<string, Rule> = {
  model: text,
  system_prompt: text,
  prompt: text,
  temperature: between(0, 2),
  top_p: between(0, 1),
  max_tokens: wholeBetween(1, 10_000_000),
  max_retries: wholeBetween(0, 20),
  stop: {
    accepts: (value) => Array.isArray(value) && value.every((item) => typeof item === 'string'),
    says: 'must be a list of strings',
  },
  base_url: {
    accepts: isBaseUrl,
    says: 'must be the address of an OpenAI-compatible server, such as https://llm.example.com/v1, without user name, query and fragment',
  },
  api: { accepts: (value) => value === 'chat' || value === 'responses', says: "must be 'chat' or 'responses'" },
  tools: { accepts: Array.isArray, says: 'must be a list' },
  approval: {
    accepts: (value) => value === 'writes' || value === 'always' || value === 'never',
    says: "must be 'writes', 'always' or 'never'",
  },
  approval_deadline: between(0.001, 31_536_000),
  limits: { accepts: isLimits, says: `must be an object with ${Object.keys(LARGEST_LIMITS).join(', ')}, each a positive number` },
}

/** @param pointer where the config stands, for the problems' own pointers */
export function checkAgentConfig(config: Record<string, unknown>, pointer: string): Issue[] {
  return Object.entries(rules).flatMap(([key, rule]) => {
    const value = config[key]
    if (value === undefined || rule.accepts(value)) return []
    return [{ pointer: `${pointer}/${key}`, code: 'invalid_setting', message: `'${key}' ${rule.says}.` }]
  })
}
