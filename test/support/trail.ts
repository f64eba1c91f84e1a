import { join } from 'node:path'
import { recordChange, type Change } from '../../src/audit/repository.ts'
import { toEntry, type AuditEntry } from '../../src/audit/entry.ts'
import { entriesOf } from '../../src/audit/trail-file.ts'
import { verify, type Verdict, type VerifyOptions } from '../../src/audit/verify.ts'
import { theServer, type Actor } from '../../src/store/origin.ts'
import { kyselyOver, SqliteConnection } from '../../src/store/sqlite/connection.ts'
import { openDatabaseFile } from '../../src/store/sqlite/database-file.ts'
import { SqliteWriter, type AnyCommand, type WriteReply } from '../../src/store/sqlite/writer.ts'
import { defineCommand, type Db } from '../../src/store/store.ts'
import type { AuditRow } from '../../src/store/tables.ts'
import { removeFolder, temporaryFolder } from './server.ts'

/** Adds nothing but an entry. */
export const addEntry = defineCommand('test.add', (db, change: Change, actor) => recordChange(db, actor, change))

export function change(of: Partial<Change> = {}): Change {
  return { at: 1_000, action: 'agent.update', object: { id: 'a', name: 'A' }, before: { n: 1 }, after: { n: 2 }, ...of }
}

/** A database of its own, written to by commands on this thread. */
export class TestTrail {
  readonly folder = temporaryFolder()
  readonly dataDir = join(this.folder, 'data')
  connection!: SqliteConnection
  writer!: SqliteWriter
  read!: Db

  static async make(commands: readonly AnyCommand[] = []): Promise<TestTrail> {
    const trail = new TestTrail()
    const { file, release } = await openDatabaseFile(trail.dataDir)
    release()
    trail.connection = new SqliteConnection(file)
    trail.writer = new SqliteWriter(trail.connection, [addEntry, ...commands])
    trail.read = kyselyOver(trail.connection)
    return trail
  }

  get file(): string {
    return join(this.dataDir, 'agent-studio.db')
  }

  /** All of them as one group. */
  commit(requests: { name: string; args: unknown }[], actor: Actor = theServer): Promise<WriteReply[]> {
    return this.writer.commit(requests.map((request) => ({ ...request, origin: { actor } })))
  }

  async run<Result>(name: string, args: unknown, actor?: Actor): Promise<Result> {
    const [reply] = await this.commit([{ name, args }], actor)
    if (reply && 'ok' in reply) return reply.ok as Result
    throw new Error(JSON.stringify(reply))
  }

  async add(...changes: Partial<Change>[]): Promise<void> {
    for (const reply of await this.commit(changes.map((one) => ({ name: 'test.add', args: change(one) })))) {
      if ('error' in reply) throw new Error(reply.cause)
    }
  }

  entries(): AuditEntry[] {
    return (this.connection.raw.prepare('select * from audit order by seq').all() as unknown as AuditRow[]).map(toEntry)
  }

  /** As somebody does who has the file and knows about the triggers. */
  tamper(sql: string): void {
    for (const trigger of ['no_update', 'no_delete', 'only_at_the_end']) this.connection.raw.exec(`drop trigger if exists audit_${trigger}`)
    this.connection.raw.exec(sql)
  }

  verify(options?: VerifyOptions): Promise<Verdict> {
    return verify(entriesOf(this.read), options)
  }

  close(): void {
    this.connection.close()
    removeFolder(this.folder)
  }
}
