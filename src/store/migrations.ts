import type { Kysely } from 'kysely'
import { createInitialTables } from './migrations/0001-initial.ts'
import { addDurability } from './migrations/0002-durability.ts'

/** In their order, for ever: a migration that was released is never changed, only followed by another. */
export const migrations: readonly ((db: Kysely<unknown>) => Promise<void>)[] = [createInitialTables, addDurability]
