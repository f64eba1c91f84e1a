import { StartRefused } from './start-refused.ts'

/** What an environment asks for before a release serves there. Rollbacks, stops and traffic between its releases are never held up. */
export interface Protection {
  /** Releases come from other environments, by promotion, and not from a draft. */
  promotion: boolean
  /** A second API key has to approve each new release. */
  approval: boolean
}

export type Protections = ReadonlyMap<string, Protection>

const RULES = ['promotion', 'approval'] as const

/**
 * @param text `production:promotion,staging:approval`, or both as `production:promotion+approval`
 * @throws StartRefused
 */
export function readProtections(text: string | undefined, environments: readonly string[]): Protections {
  const items = (text ?? '').split(',').flatMap((item) => (item.trim() === '' ? [] : [item.trim()]))
  const read = items.map((item): [string, Protection] => {
    const [environment = '', rules = ''] = item.split(':', 2)
    const named = rules.split('+')
    if (!environments.includes(environment)) throw refused(text!, `'${environment}' is none of the environments ${environments.join(', ')}`)
    if (item.split(':').length !== 2 || !named.every((rule) => (RULES as readonly string[]).includes(rule)))
      throw refused(text!, `'${item}' is no environment with promotion, approval, or promotion+approval behind a colon`)
    return [environment, { promotion: named.includes('promotion'), approval: named.includes('approval') }]
  })
  const protections = new Map(read)
  if (protections.size < read.length) throw refused(text!, 'it names an environment twice')
  return protections
}

function refused(text: string, reason: string): StartRefused {
  return new StartRefused(
    `AGENT_STUDIO_PROTECTED_ENVIRONMENTS is '${text}', but ${reason}. Write it as production:promotion,staging:approval.`,
  )
}
