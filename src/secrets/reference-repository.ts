import { sql } from 'kysely'
import { namesIn } from './references.ts'
import type { Db } from '../store/store.ts'
import type { DefinitionReferenceRow } from '../store/tables.ts'

/** Names that a definition refers to. */
export interface DefinitionReferences {
  secrets: readonly string[]
  variables: readonly string[]
  /** Names of keys that its models are called with, where the environment has them. */
  providerKeys: readonly string[]
}

/** In the transaction that stores the definition. Once it is stored, its references are known for good. */
export async function insertReferences(db: Db, definition_digest: string, references: DefinitionReferences): Promise<void> {
  const rows = [
    ...references.secrets.map((name) => ({ definition_digest, kind: 'secret' as const, name })),
    ...references.variables.map((name) => ({ definition_digest, kind: 'variable' as const, name })),
    ...references.providerKeys.map((name) => ({ definition_digest, kind: 'provider_key' as const, name })),
  ]
  if (rows.length === 0) return
  await db
    .insertInto('definition_references')
    .values(rows)
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

/** What a definition needs and an environment lacks. To be asked in the transaction that lets the definition serve there. */
export async function findMissing(
  db: Db,
  definition_digest: string,
  environment: string,
): Promise<{ kind: 'secret' | 'variable'; name: string }[]> {
  const rows = await db
    .selectFrom('definition_references as r')
    .select(['r.kind', 'r.name'])
    .where('r.definition_digest', '=', definition_digest)
    .where('r.kind', '<>', 'provider_key')
    .where(({ and, or, eb, not, exists, selectFrom }) =>
      or([
        and([
          eb('r.kind', '=', 'secret'),
          not(
            exists(selectFrom('secrets as s').select('s.name').whereRef('s.name', '=', 'r.name').where('s.environment', '=', environment)),
          ),
        ]),
        and([
          eb('r.kind', '=', 'variable'),
          not(
            exists(
              selectFrom('variables as v').select('v.name').whereRef('v.name', '=', 'r.name').where('v.environment', '=', environment),
            ),
          ),
        ]),
      ]),
    )
    .orderBy('r.kind')
    .orderBy('r.name')
    .execute()
  return rows as { kind: 'secret' | 'variable'; name: string }[]
}

/** A release that serves, or would again if its deployment were reactivated. */
export interface Use {
  name: string
  environment: string
  deployment_name: string
  status: 'active' | 'inactive'
  release: number
}

const KINDS: Record<'secrets' | 'variables', DefinitionReferenceRow['kind'][]> = {
  secrets: ['secret', 'provider_key'],
  variables: ['variable'],
}

/** By deployment and release. */
export async function findUses(
  db: Db,
  what: 'secrets' | 'variables',
  names: readonly string[],
  environments: readonly string[],
): Promise<Use[]> {
  if (names.length === 0) return []
  const ofDefinitions = await usesOfDefinitions(db, what, names, environments)
  if (what === 'variables') return ofDefinitions
  const ofReceivers = await usesOfReceivers(db, names, environments)
  if (ofReceivers.length === 0) return ofDefinitions
  const all = new Map([...ofDefinitions, ...ofReceivers].map((use) => [keyOf(use), use]))
  return [...all.keys()].sort().map((key) => all.get(key)!)
}

/** By deployment and release. */
function keyOf({ deployment_name, environment, release, name }: Use): string {
  return `${deployment_name}\n${environment}\n${String(release).padStart(10, '0')}\n${name}`
}

/** The receivers that releases tell of failed executions: few have one, and an index has those. */
async function usesOfReceivers(db: Db, names: readonly string[], environments: readonly string[]): Promise<Use[]> {
  const rows = await db
    .selectFrom('releases as l')
    .innerJoin('routes as t', (join) => join.onRef('t.deployment_id', '=', 'l.deployment_id').onRef('t.release_number', '=', 'l.number'))
    .innerJoin('deployments as d', 'd.deployment_id', 'l.deployment_id')
    .select(['d.environment', 'd.name as deployment_name', 'd.status', 'l.number as release'])
    .select(sql<string>`json_extract(l.runtime_config, '$.on_failure')`.as('receiver'))
    .where(sql<boolean>`json_extract(l.runtime_config, '$.on_failure') is not null`)
    .where('d.environment', 'in', environments)
    .execute()
  return rows.flatMap(({ receiver, ...use }) => {
    const mentioned = new Set(Object.values(JSON.parse(receiver) as Record<string, string>).flatMap(namesIn))
    return names.flatMap((name) => (mentioned.has(name) ? [{ name, ...use }] : []))
  })
}

function usesOfDefinitions(
  db: Db,
  what: 'secrets' | 'variables',
  names: readonly string[],
  environments: readonly string[],
): Promise<Use[]> {
  return db
    .selectFrom('definition_references as r')
    .innerJoin('releases as l', 'l.definition_digest', 'r.definition_digest')
    .innerJoin('routes as t', (join) => join.onRef('t.deployment_id', '=', 'l.deployment_id').onRef('t.release_number', '=', 'l.number'))
    .innerJoin('deployments as d', 'd.deployment_id', 'l.deployment_id')
    .select(['r.name', 'd.environment', 'd.name as deployment_name', 'd.status', 'l.number as release'])
    .where('r.kind', 'in', KINDS[what])
    .where('r.name', 'in', names)
    .where('d.environment', 'in', environments)
    .orderBy('d.name')
    .orderBy('d.environment')
    .orderBy('l.number')
    .distinct()
    .execute()
}

/** The active deployments of the environment that use it, each once. */
export async function activeUsers(db: Db, what: 'secrets' | 'variables', { environment, name }: { environment: string; name: string }) {
  const uses = await findUses(db, what, [name], [environment])
  const names = new Set(uses.filter(({ status }) => status === 'active').map(({ deployment_name }) => deployment_name))
  return [...names].map((deployment_name) => ({ deployment_name, environment }))
}

/** The texts that may refer to something: workflows and registered agents whose JSON has the word. */
export async function draftsWith(db: Db, word: 'secrets' | 'variables') {
  const workflows = await db
    .selectFrom('workflows')
    .select(['workflow_id', 'name', 'version', 'configuration'])
    .where(({ eb, fn }) => eb(fn<number>('instr', ['configuration', eb.val(word)]), '>', 0))
    .orderBy('name')
    .orderBy('version')
    .execute()
  const agents = await db
    .selectFrom('agents')
    .select(['agent_id', 'name', 'config'])
    .where(({ eb, fn }) => eb(fn<number>('instr', ['config', eb.val(word)]), '>', 0))
    .orderBy('name')
    .execute()
  return { workflows, agents }
}

/** Counts a change of what an environment has, in its transaction. */
export async function countChange(db: Db, environment: string, kind: 'secrets' | 'variables'): Promise<void> {
  await db
    .insertInto('environment_revisions')
    .values({ environment, kind, revision: 1 })
    .onConflict((conflict) =>
      conflict.columns(['environment', 'kind']).doUpdateSet(({ eb }) => ({ revision: eb('environment_revisions.revision', '+', 1) })),
    )
    .execute()
}

/** Changes with each change; 0 before the first. */
export async function revisionOf(db: Db, environment: string, kind: 'secrets' | 'variables'): Promise<number> {
  const row = await db
    .selectFrom('environment_revisions')
    .select('revision')
    .where('environment', '=', environment)
    .where('kind', '=', kind)
    .executeTakeFirst()
  return row?.revision ?? 0
}
