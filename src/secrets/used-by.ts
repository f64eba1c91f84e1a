import { reachesName, type Reach } from '../access/caller.ts'
import type { Db } from '../store/store.ts'
import { findReferences, type FieldSchemas } from './find-references.ts'
import { draftsWith, findUses } from './reference-repository.ts'

/** What refers to a secret or a variable. */
export interface UsedBy {
  /** With the release that serves, or would again. */
  deployments: { deployment_name: string; environment: string; status: 'active' | 'inactive'; release: number }[]
  /** As they are now; what they refer to is looked up when they are deployed. */
  workflows: { workflow_id: string; name: string; version: string }[]
  agents: { agent_id: string; name: string }[]
}

export interface Asked {
  what: 'secrets' | 'variables'
  /** Of one page. */
  rows: readonly { name: string; environment: string }[]
  reach: Reach
}

/** Where something is used makes no difference here. */
const anyField: FieldSchemas = { ofStep: () => undefined, ofTool: () => undefined }

/** In the order of the rows. */
export async function findUsers(db: Db, { what, rows, reach }: Asked): Promise<UsedBy[]> {
  const names = [...new Set(rows.map(({ name }) => name))]
  const environments = [...new Set(rows.map(({ environment }) => environment))]
  if (names.length === 0) return []
  const uses = (await findUses(db, what, names, environments)).filter((use) => reachesName(reach, use.deployment_name))
  const drafts = await draftsWith(db, what)
  const workflows = drafts.workflows.map(({ configuration, ...one }) => ({ one, names: namesIn(JSON.parse(configuration), what) }))
  const agents = drafts.agents.map(({ config, ...one }) => ({
    one,
    names: namesIn({ agents: [{ config: JSON.parse(config) as unknown }] }, what),
  }))
  const using = <Draft>(all: { one: Draft; names: ReadonlySet<string> }[], name: string): Draft[] =>
    all.flatMap((draft) => (draft.names.has(name) ? [draft.one] : []))
  return rows.map(({ name, environment }) => ({
    deployments: uses
      .filter((use) => use.name === name && use.environment === environment)
      .map(({ deployment_name, status, release }) => ({ deployment_name, environment, status, release })),
    workflows: using(workflows, name),
    agents: using(agents, name),
  }))
}

function namesIn(configuration: unknown, what: Asked['what']): Set<string> {
  const kind = what === 'secrets' ? 'secret' : 'variable'
  return new Set(findReferences(configuration, anyField).flatMap((mention) => (mention.kind === kind ? (mention.name ?? []) : [])))
}
