import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { inspectTrail } from './trail.ts'

/** @param folder a data folder that no server has open. @returns what is wrong with its database beyond what the API shows */
export async function inspectDatabase(folder: string): Promise<string[]> {
  const database = new DatabaseSync(join(folder, 'agent-studio.db'))
  const count = (sql: string): number => Number(database.prepare(sql).get()!['n'])
  try {
    const problems = await inspectTrail(folder)
    const integrity = JSON.stringify(database.prepare('pragma integrity_check').all())
    if (integrity !== '[{"integrity_check":"ok"}]') problems.push(integrity)
    for (const table of ['steps', 'events']) {
      const orphans = count(`select count(*) as n from ${table} where execution_id not in (select execution_id from executions)`)
      if (orphans > 0) problems.push(`${orphans} rows of ${table} are of no execution`)
    }
    const hidden = count('select count(*) as n from executions where deployment_id not in (select deployment_id from deployments)')
    if (hidden > 0) problems.push(`${hidden} executions remained of deleted deployments`)
    return problems
  } finally {
    database.close()
  }
}
