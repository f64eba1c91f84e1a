import type { Issue } from '../errors.ts'

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

/** The settings of an agent that this server obeys; what else its config holds is kept and not looked at. */
const rules: Record<string, Rule> = {
  model: text,
  system_prompt: text,
  temperature: between(0, 2),
  top_p: between(0, 1),
  max_tokens: wholeBetween(1, 10_000_000),
  max_retries: wholeBetween(0, 20),
  stop: {
    accepts: (value) => Array.isArray(value) && value.every((item) => typeof item === 'string'),
    says: 'must be a list of strings',
  },
  api: { accepts: (value) => value === 'chat' || value === 'responses', says: "must be 'chat' or 'responses'" },
  tools: { accepts: Array.isArray, says: 'must be a list' },
}

/** @param pointer where the config stands, for the problems' own pointers */
export function checkAgentConfig(config: Record<string, unknown>, pointer: string): Issue[] {
  return Object.entries(rules).flatMap(([key, rule]) => {
    const value = config[key]
    if (value === undefined || rule.accepts(value)) return []
    return [{ pointer: `${pointer}/${key}`, code: 'invalid_setting', message: `'${key}' ${rule.says}.` }]
  })
}
