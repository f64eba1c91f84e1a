import type { AuditEntry } from '../../src/audit/entry.ts'
import { entriesOf } from '../../src/audit/trail-file.ts'
import { verify } from '../../src/audit/verify.ts'
import { readDatabase } from '../../src/store/sqlite/read-database.ts'

/** What an object is like by the trail alone: its fields as its entries have left them. */
type States = Map<string, Record<string, unknown>>

/**
 * The trail of a database against what is in it: each change and its entry are there together, or neither is.
 * @param folder a data folder, whether a server runs on it or not; nothing must be changing meanwhile
 */
export async function inspectTrail(folder: string): Promise<string[]> {
  const { read, close } = readDatabase(folder, 'audit')
  try {
    const { bad } = await verify(entriesOf(read))
    if (bad) return [`the trail is broken: ${bad.message}`]
    const told: States = new Map()
    for await (const entries of entriesOf(read)) for (const entry of entries) tell(told, entry)
    const there: States = new Map()
    const deployments = await read.selectFrom('deployments').selectAll().execute()
    for (const { deployment_id, status, last_release } of deployments) there.set(deployment_id, { status, release: last_release })
    for (const { workflow_id, revision } of await read.selectFrom('workflows').selectAll().execute()) there.set(workflow_id, { revision })
    for (const { agent_id, name } of await read.selectFrom('agents').selectAll().execute()) there.set(agent_id, { name })
    return compare(there, told)
  } finally {
    close()
  }
}

function tell(told: States, { object, after }: AuditEntry): void {
  if (!['deployment', 'workflow', 'agent'].includes(object.type)) return
  if (after === null) told.delete(object.id)
  else told.set(object.id, { ...told.get(object.id), ...after })
}

function compare(there: States, told: States): string[] {
  const problems: string[] = []
  for (const [id, state] of there) {
    for (const [field, value] of Object.entries(state)) {
      const said = told.get(id)?.[field]
      if (said !== value) problems.push(`the trail says of ${id} that its ${field} is ${String(said)}, and it is ${String(value)}`)
    }
  }
  for (const id of told.keys()) if (!there.has(id)) problems.push(`the trail speaks of ${id}, which is not there`)
  return problems
}
