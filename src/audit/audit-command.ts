import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { parseArgs, type ParseArgsOptionsConfig } from 'node:util'
import { loadEnvFile, readDataDir } from '../config.ts'
import { StartRefused } from '../start-refused.ts'
import { readDatabase } from '../store/sqlite/read-database.ts'
import type { Db } from '../store/store.ts'
import { START, type Head } from './chain.ts'
import { exportLines } from './export.ts'
import { entriesOf, entriesOfLines, NoTrail, startOfLines } from './trail-file.ts'
import { verify, type Verdict } from './verify.ts'

const usage = `Usage:
  agent-studio audit verify [--expect <seq>:<hash>] [--json] [<database, backup or export>]
  agent-studio audit export [--after <seq>] [<database or backup>]

Without a file it is the database of the data folder, whether a server runs on it or not.
What verify prints of the last entry is what --expect takes: noted elsewhere, it shows later that nothing was cut off.`

/** The call makes no sense. */
class WrongCall extends Error {}

/** @returns what the process exits with: 0 done, 1 a trail that is not whole, or refused with the reason on stderr, 2 a wrong call */
export async function runAudit([action, ...args]: readonly string[]): Promise<0 | 1 | 2> {
  try {
    loadEnvFile()
    if (action === 'verify') return await runVerify(args)
    if (action === 'export') return await runExport(args)
    throw new WrongCall(action === undefined ? 'Say what to do with the trail.' : `'${action}' is nothing that can be done with the trail.`)
  } catch (error) {
    if (error instanceof WrongCall) {
      console.error(`${error.message}\n\n${usage}`)
      return 2
    }
    if (!(error instanceof StartRefused || error instanceof NoTrail)) throw error
    console.error(error.message)
    return 1
  }
}

async function runVerify(args: readonly string[]): Promise<0 | 1> {
  const { values, file } = read(args, { expect: { type: 'string' }, json: { type: 'boolean' } })
  const expected = values.expect === undefined ? undefined : readHead(values.expect)
  const verdict = await verifyAt(file, expected)
  if (values.json) console.log(JSON.stringify({ whole: !verdict.bad, ...verdict }))
  else if (verdict.bad) console.error(`${verdict.bad.message} ${count(verdict.entries)} before it, whole.`)
  else console.log(describe(verdict))
  return verdict.bad ? 1 : 0
}

async function verifyAt(file: string | undefined, expected: Head | undefined): Promise<Verdict> {
  if (file === undefined || !isText(file)) return withTrail(file, (db) => verify(entriesOf(db), { expected }))
  return verify(entriesOfLines(file), { expected, start: await startOfLines(file) })
}

function describe({ entries, head = START }: Verdict): string {
  return `${count(entries)}, whole${entries === 0 ? '' : `\nlast ${head.seq}:${head.hash}`}`
}

function count(entries: number): string {
  return `${entries} ${entries === 1 ? 'entry' : 'entries'}`
}

async function runExport(args: readonly string[]): Promise<0> {
  const { values, file } = read(args, { after: { type: 'string' } })
  const after = values.after === undefined ? 0 : readSeq(values.after)
  await withTrail(file, (db) => pipeline(Readable.from(exportLines(db, { after })), process.stdout)).catch((error: unknown) => {
    // Whoever reads has enough, as `head` does.
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error
  })
  return 0
}

async function withTrail<Result>(file: string | undefined, work: (db: Db) => Promise<Result>): Promise<Result> {
  const { read: db, close } = readDatabase(file ?? readDataDir(process.env), 'audit')
  try {
    return await work(db)
  } finally {
    close()
  }
}

/** An export, where it is not a database: that begins with "SQLite format 3". */
function isText(file: string): boolean {
  if (!existsSync(file) || !statSync(file).isFile()) return false
  const first = Buffer.alloc(1)
  const opened = openSync(file, 'r')
  const length = readSync(opened, first)
  closeSync(opened)
  return length === 0 || first.toString() === '{'
}

function read<const Options extends ParseArgsOptionsConfig>(args: readonly string[], options: Options) {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true })
    if (positionals.length <= 1) return { values, file: positionals[0] }
  } catch (error) {
    throw new WrongCall((error as Error).message)
  }
  throw new WrongCall('There is one file at most.')
}

function readHead(text: string): Head {
  const [, seq, hash] = /^(\d{1,15}):([0-9a-f]{64})$/i.exec(text) ?? []
  if (seq === undefined || Number(seq) === 0)
    throw new WrongCall(`--expect is '${text}', but what verify prints of the last entry is like 12:5f70bf18a0…`)
  return { seq: Number(seq), hash: hash!.toLowerCase() }
}

function readSeq(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new WrongCall(`--after is '${text}', but it takes the number of an entry.`)
  return Number(text)
}
