import type { Kysely } from 'kysely'
import { createInitialTables } from './migrations/0001-initial.ts'
import { addDurability } from './migrations/0002-durability.ts'
import { addAccess } from './migrations/0003-access.ts'
import { addSecrets } from './migrations/0004-secrets.ts'
import { addAudit } from './migrations/0005-audit.ts'
import { addGraph } from './migrations/0006-graph.ts'
import { addRates } from './migrations/0007-limits.ts'
import { addNewestExecutions } from './migrations/0008-newest-executions.ts'
import { addCosts } from './migrations/0009-costs.ts'
import { addRouting } from './migrations/0010-routing.ts'
import { addConversations } from './migrations/0011-conversations.ts'
import { addLifeCycle } from './migrations/0012-life-cycle.ts'
import { addStopContract } from './migrations/0013-stop-contract.ts'
import { addNotifications } from './migrations/0014-notifications.ts'

/** In their order, for ever: a migration that was released is never changed, only followed by another. */
export const migrations: readonly ((db: Kysely<unknown>) => Promise<void>)[] = [
  createInitialTables,
  addDurability,
  addAccess,
  addSecrets,
  addAudit,
  addGraph,
  addRates,
  addNewestExecutions,
  addCosts,
  addRouting,
  addConversations,
  addLifeCycle,
  addStopContract,
  addNotifications,
]
