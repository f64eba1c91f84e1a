import { recordChange } from '../audit/repository.ts'
import { EnvironmentFull, VariableInUse, VariableNotFound } from '../errors.ts'
import { checkPrecondition, entityTag, type Precondition } from '../precondition.ts'
import { activeUsers, countChange } from '../secrets/reference-repository.ts'
import { nameOf, type SettingsPage } from '../secrets/repository.ts'
import type { Place } from '../secrets/sealing.ts'
import { defineCommand, type Db } from '../store/store.ts'
import type { VariableRow } from '../store/tables.ts'

/** Variables of one environment. */
const MOST_VARIABLES = 1_000
/** Characters of all of them together: an execution that reads one keeps all of them. */
const MOST_CHARACTERS = 1_000_000

export function findVariable(db: Db, { environment, name }: Place): Promise<VariableRow | undefined> {
  return db.selectFrom('variables').selectAll().where('environment', '=', environment).where('name', '=', name).executeTakeFirst()
}

export async function valuesOf(db: Db, environment: string): Promise<Record<string, string>> {
  const rows = await db.selectFrom('variables').select(['name', 'value']).where('environment', '=', environment).orderBy('name').execute()
  return Object.fromEntries(rows.map(({ name, value }) => [name, value]))
}

export async function variableNames(db: Db, environment: string): Promise<Set<string>> {
  const rows = await db.selectFrom('variables').select('name').where('environment', '=', environment).execute()
  return new Set(rows.map(({ name }) => name))
}

/** By name, then environment. */
export function listVariables(db: Db, { environments, q, after, limit }: SettingsPage): Promise<VariableRow[]> {
  let query = db.selectFrom('variables').selectAll().where('environment', 'in', environments)
  if (q) query = query.where(({ fn, eb }) => eb(fn<number>('instr', ['name', eb.val(q.toUpperCase())]), '>', 0))
  if (after) {
    query = query.where(({ or, and, eb }) =>
      or([eb('name', '>', after.name), and([eb('name', '=', after.name), eb('environment', '>', after.environment)])]),
    )
  }
  return query.orderBy('name').orderBy('environment').limit(limit).execute()
}

export function tagOf({ version, created_at }: Pick<VariableRow, 'version' | 'created_at'>): string {
  return entityTag(version, created_at)
}

export interface PutVariable extends Place {
  value: string
  precondition: Precondition
  now: number
}

/** @throws EnvironmentFull, PreconditionFailed */
export const putVariable = defineCommand('variables.put', async (db, put: PutVariable, actor): Promise<VariableRow> => {
  const { environment, name, value, precondition, now } = put
  const before = await findVariable(db, put)
  checkPrecondition(precondition, before && tagOf(before))
  const by = nameOf(actor)
  const changed = { value, version: (before?.version ?? 0) + 1, updated_at: now, updated_by: by }
  if (before) {
    await db.updateTable('variables').set(changed).where('environment', '=', environment).where('name', '=', name).execute()
  } else {
    await db
      .insertInto('variables')
      .values({ environment, name, created_at: now, created_by: by, ...changed })
      .execute()
  }
  await refuseTooMuch(db, environment)
  await countChange(db, environment, 'variables')
  const after = (await findVariable(db, put))!
  await recordChange(db, actor, {
    at: now,
    action: 'variable.put',
    object: { id: `${environment}/${name}`, name, environment },
    before: before ? { version: before.version, value: before.value } : null,
    after: { version: after.version, value: after.value },
  })
  return after
})

async function refuseTooMuch(db: Db, environment: string): Promise<void> {
  const { count, characters } = await db
    .selectFrom('variables')
    .select(({ fn }) => [fn.countAll<number>().as('count'), fn.sum<number>(fn('length', ['value'])).as('characters')])
    .where('environment', '=', environment)
    .executeTakeFirstOrThrow()
  const full = (most: number, unit: string) =>
    new EnvironmentFull({ environment, what: 'variables', most: `${most.toLocaleString('en')}${unit}` })
  if (count > MOST_VARIABLES) throw full(MOST_VARIABLES, '')
  if (characters > MOST_CHARACTERS) throw full(MOST_CHARACTERS, ' characters')
}

export interface DeleteVariable extends Place {
  /** Also where active deployments use it. */
  force: boolean
  precondition: Precondition
  now: number
}

/** @throws VariableNotFound, VariableInUse, PreconditionFailed */
export const deleteVariable = defineCommand('variables.delete', async (db, wanted: DeleteVariable, actor): Promise<void> => {
  const { environment, name, force, precondition, now } = wanted
  const before = await findVariable(db, wanted)
  if (!before) throw new VariableNotFound({ environment, name })
  checkPrecondition(precondition, tagOf(before))
  const deployments = force ? [] : await activeUsers(db, 'variables', wanted)
  if (deployments.length > 0) throw new VariableInUse({ environment, name, deployments })
  await db.deleteFrom('variables').where('environment', '=', environment).where('name', '=', name).execute()
  await countChange(db, environment, 'variables')
  await recordChange(db, actor, {
    at: now,
    action: 'variable.delete',
    object: { id: `${environment}/${name}`, name, environment },
    before: { version: before.version, value: before.value },
    after: null,
  })
})

export const variableCommands = [putVariable, deleteVariable]
