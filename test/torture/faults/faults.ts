/** A text of the source, and what stands there instead. It must be found exactly once. */
type Change = readonly [sound: string, faulty: string]

export interface Fault {
  /** By file, from src/ on. */
  changes: Readonly<Record<string, readonly Change[]>>
}

/** Mistakes that somebody could make. For each a test in planted-faults.test.ts says which torture finds it. */
export const faults = {
  /** What executions write is answered at once, and committed together with what comes in the 300 ms after it. */
  'answers before the commit': {
    changes: {
      'store/sqlite/writer.ts': [
        [
          '  async commit(requests: readonly WriteRequest[]): Promise<WriteReply[]> {\n',
          `  async commit(requests: readonly WriteRequest[]): Promise<WriteReply[]> {
    globalThis.mayWait = requests.every(({ name }) => name.startsWith('journal.'))\n`,
        ],
        [
          '  #exec(sql: string): void {\n',
          `  #exec(sql: string): void {
    const { raw } = this.#connection
    if (sql === 'begin immediate' && raw.isTransaction) return
    if (sql === 'commit' && globalThis.mayWait) {
      globalThis.later ??= setTimeout(() => {
        globalThis.later = undefined
        if (raw.isTransaction) raw.exec('commit')
      }, 300)
      return
    }\n`,
        ],
      ],
    },
  },
  /** Commits are in the log when they are answered, and flushed to the disk whenever the system likes. */
  'commits are not flushed': {
    changes: {
      'store/sqlite/connection.ts': [
        ['pragma journal_mode = wal; pragma synchronous = full;', 'pragma journal_mode = wal; pragma synchronous = normal;'],
      ],
    },
  },
  /** Which release takes an execution is looked up once for each name. */
  'admission from a cache': {
    changes: {
      'engine/sqlite/admission-route.ts': [
        [
          'const live = connection.prepare(sql).get(key, environment, ...names) as Live | undefined\n',
          `const routes = (globalThis.routes ??= new Map())
    const at = [sql, key, environment, ...names].join()
    const live = routes.get(at) ?? connection.prepare(sql).get(key, environment, ...names)
    if (live) routes.set(at, live)\n`,
        ],
      ],
    },
  },
  /** A request that fails in its middle is committed with the others. */
  'no savepoint': { changes: { 'store/sqlite/writer.ts': [['if (this.#totalChanges() !== before) {', 'if (false) {']] } },
  /** A request that fails takes the others of its group along. */
  'one savepoint for all': {
    changes: { 'store/sqlite/writer.ts': [[`this.#exec('rollback to request')\n`, `throw error\n`]] },
  },
  /** What is recorded of a completed step is not looked at when an execution is taken up. */
  'recorded steps run again': {
    changes: {
      'engine/slice.ts': [
        [
          'const row = this.#recorded.get(spec.id)\n',
          `const known = this.#recorded.get(spec.id)\n    const row = known?.status === 'completed' ? undefined : known\n`,
        ],
      ],
    },
  },
  /** The next step begins while the result that it follows from is on its way to the disk. */
  'effects before their cause is recorded': {
    changes: {
      'engine/slice.ts': [['    const results = this.#results\n    if (', '    const results = this.#results\n    return\n    if (']],
    },
  },
  /** Crashes of a step are not counted. */
  'crashes are not counted': { changes: { 'engine/step.ts': [['if (crashes > MAX_CRASHES) throw', 'if (crashes > 1_000) throw']] } },
  /** A retry does not heed when it may come. */
  'retries come at once': {
    changes: { 'engine/step.ts': [['return Math.min(last.retry_at - now, last.retry_at - last.ended_at!)', 'return 0']] },
  },
  /** Who watches is told of an event before it is on disk. */
  'events before their commit': {
    changes: {
      'engine/journal-buffer.ts': [
        [
          'const written = await this.#journal.append(',
          `if (events.length > 0) this.#hub.publish(this.#executionId, events, false)
    await new Promise((resolve) => setTimeout(resolve, 60))
    const written = await this.#journal.append(`,
        ],
      ],
    },
  },
  /** An execution that is taken up goes on with the id of the last event, not with the next, and nothing in the tables objects. */
  'event ids are used again': {
    changes: {
      'engine/sqlite/sqlite-journal.ts': [['events.at(-1)?.id ?? 1', 'Math.max(1, (events.at(-1)?.id ?? 1) - 1)']],
      'engine/sqlite/journal-commands.ts': [['insert into events', 'insert or replace into events']],
    },
  },
  /** A cancel is answered when it is recorded, and the calls are aborted later. */
  'cancels answered before the abort': {
    changes: {
      'executions/execute.ts': [['await dispatcher.cancel([cancelled])', 'setTimeout(() => void dispatcher.cancel([cancelled]), 3_000)']],
    },
  },
  /** The statistics of a deployment are written a little after the end that they count. */
  'counters in a commit of their own': {
    changes: {
      'engine/sqlite/journal-commands.ts': [
        [
          `connection.prepare(count).run(at!, status === 'failed' ? 1 : 0, entry.takeOne(), execution_id, execution['deployment_id']!)`,
          `const error = entry.takeOne()
    setTimeout(() => connection.prepare(count).run(at!, status === 'failed' ? 1 : 0, error, execution_id, execution['deployment_id']!), 15)`,
        ],
      ],
    },
  },
  /** The key of a request is written a little after what it stands for. */
  'claims in a commit of their own': {
    changes: {
      'engine/sqlite/journal-commands.ts': [
        [
          'if (admission.claim) record(connection, admission.claim, { execution_id, result: { status } })',
          'if (admission.claim) setTimeout(() => record(connection, admission.claim, { execution_id, result: { status } }), 15)',
        ],
      ],
    },
  },
  /** The last entry of the trail is remembered, also where its transaction was rolled back. */
  'the head of the trail is remembered': {
    changes: {
      'audit/repository.ts': [
        ['const head = await findHead(db)', 'const head = globalThis.trail ?? (await findHead(db))'],
        ['.values({ ...row, hash: hashOf(toEntry(row)) })', '.values((globalThis.trail = { ...row, hash: hashOf(toEntry(row)) }))'],
      ],
    },
  },
  /** The trail is told of a change a little after it was made. */
  'entries of the trail in a commit of their own': {
    changes: {
      'audit/repository.ts': [
        [
          'export async function recordChange(db: Db, actor: Actor, change: Change): Promise<void> {',
          `export async function recordChange(db: Db, actor: Actor, change: Change): Promise<void> {
  setTimeout(() => void recordLater(db, actor, change), 15)
}
async function recordLater(db: Db, actor: Actor, change: Change): Promise<void> {`,
        ],
      ],
    },
  },
  /** What cannot be written for want of room is forgotten, and the execution goes on from what was written before. */
  'results forgotten on a full disk': {
    changes: {
      'engine/sqlite/sqlite-journal.ts': [['if (!(failure instanceof StorageFull)) throw failure', 'throw failure']],
      // The sooner it goes on, the sooner it is found.
      'engine/in-process-dispatcher.ts': [['const FAULT_MS = 10_000', 'const FAULT_MS = 1_000']],
    },
  },
  /** A frozen execution that was at work when the process died is taken up like any other. */
  'a restart thaws': {
    changes: { 'engine/sqlite/journal-commands.ts': [['and ended_at is null and frozen = 0', 'and ended_at is null']] },
  },
  /** After an error of the disk the server goes on as if nothing had been written. */
  'an error of the disk means undone': {
    changes: {
      'store/sqlite/writer.ts': [
        ['if (primaryCode(error) === SQLITE_IOERR) return { error: new StorageUnknown', 'if (false) return { error: new StorageUnknown'],
      ],
    },
  },
  /** However much there is to do, all of it is accepted. */
  'no load is shed': {
    changes: {
      'limits/load.ts': [
        ['this.#isOverloaded = true', 'this.#isOverloaded = false'],
        ['this.#refusesWork = this.#areWritesLate() || this.#sources.isFull()', 'this.#refusesWork = false'],
      ],
    },
  },
  /** What cannot be read of an address is taken for a fault of the server. */
  'an address that cannot be read': { changes: { 'http/problem.ts': [["case 'FST_ERR_BAD_URL':", "case 'FST_ERR_OTHER':"]] } },
} satisfies Readonly<Record<string, Fault>>

export type FaultName = keyof typeof faults
