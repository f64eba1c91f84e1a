import type { Issue } from '../errors.ts'
import { agentConfigsIn, findReferences, type FieldSchemas, type Mention } from './find-references.ts'
import { nameRule, soleName } from './references.ts'

/** What an environment has. */
export interface KnownNames {
  environment: string
  secrets: ReadonlySet<string>
  variables: ReadonlySet<string>
}

export interface CheckedReferences {
  /** Names that the configuration refers to, each once. */
  secrets: string[]
  variables: string[]
  problems: Issue[]
}

/**
 * Whether a configuration refers to secrets only where they are taken, and to nothing that is not there.
 * @param known undefined where it is not said for which environment
 */
export function checkReferences(configuration: unknown, known: KnownNames | undefined, schemas: FieldSchemas): CheckedReferences {
  const mentions = findReferences(configuration, schemas)
  const named = (kind: Mention['kind']) => [
    ...new Set(mentions.flatMap((one) => (one.kind === kind && one.name !== undefined ? [one.name] : []))),
  ]
  const problems = [
    ...mentions.flatMap((mention) => problemOf(mention, known) ?? []),
    ...agentConfigsIn(configuration).flatMap(({ config, pointer }) => checkKey(config, `/configuration${pointer}`)),
  ]
  return { secrets: named('secret'), variables: named('variable'), problems }
}

function problemOf({ kind, name, pointer, takesSecrets }: Mention, known: KnownNames | undefined): Issue | undefined {
  const at = `/configuration${pointer}`
  if (kind === 'secret' && !takesSecrets) {
    const message = `A secret cannot be used here: what stands here is shown, recorded, or sent to a model.`
    return { pointer: at, code: 'secret_not_allowed', message }
  }
  if (name === undefined) {
    const message = `Name the ${kind} outright, as in {{ ${kind}s.NAME }}: which ones a release needs must be known when it is deployed.`
    return { pointer: at, code: 'reference_unnamed', message }
  }
  if (known === undefined) return undefined
  if (kind === 'secret')
    return known.secrets.has(name) ? undefined : { pointer: at, code: 'unknown_secret', message: missing('secret', name, known) }
  return known.variables.has(name) ? undefined : { pointer: at, code: 'unknown_variable', message: missing('variable', name, known) }
}

function missing(kind: 'secret' | 'variable', name: string, { environment }: KnownNames): string {
  if (!/^[A-Z][A-Z0-9_]{0,63}$/.test(name)) return `No ${kind} can be named '${name}'. ${nameRule}`
  return `Environment '${environment}' has no ${kind} '${name}'. Store it with PUT /api/${kind}s/${environment}/${name}, and deploy again.`
}

/** A key that stands in the config of an agent as it is can be read by everybody who may read that. @param pointer of the config */
export function checkKey(config: unknown, pointer: string): Issue[] {
  const key = (config as { api_key?: unknown } | null | undefined)?.api_key
  if (key === undefined || key === null || soleName(key) !== undefined) return []
  return [{ pointer: `${pointer}/api_key`, code: 'secret_in_plain_text', message: plainKeyRule }]
}

const plainKeyRule =
  'An \'api_key\' is the name of a secret and not the key itself, which everybody could read here. Store the key with PUT /api/secrets/{environment}/{name} and write "{{ secrets.NAME }}".'
