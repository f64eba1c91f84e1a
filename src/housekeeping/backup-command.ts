import { setPriority } from 'node:os'
import { parseArgs } from 'node:util'
import { loadEnvFile, readDataDir } from '../config.ts'
import { StartRefused } from '../start-refused.ts'
import { CopyRefused } from '../store/sqlite/copy-database.ts'
import { backUp, removePartial, type Backup } from './backup.ts'

export const backupUsage = 'agent-studio backup [--compact] [--json] <file>'

interface Arguments {
  file: string
  compact: boolean
  json: boolean
}

/** Runs `agent-studio backup`. @returns what the process exits with: 0 done, 1 refused with the reason on stderr, 2 a wrong call */
export async function runBackup(args: readonly string[]): Promise<0 | 1 | 2> {
  const wanted = readArguments(args)
  if (!wanted) {
    console.error(`Usage: ${backupUsage}`)
    return 2
  }
  const { file, compact, json } = wanted
  try {
    loadEnvFile()
    stepBack()
    tidyUpOnSignals(file)
    const made = await backUp(readDataDir(process.env), file, { compact, onProgress: showProgress })
    console.log(json ? JSON.stringify(made) : describe(made))
    return 0
  } catch (error) {
    if (!(error instanceof StartRefused || error instanceof CopyRefused)) throw error
    console.error(error.message)
    return 1
  }
}

function readArguments(args: readonly string[]): Arguments | undefined {
  try {
    const options = { compact: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } } as const
    const { positionals, values } = parseArgs({ args: [...args], options, allowPositionals: true })
    const [file] = positionals
    return file && positionals.length === 1 ? { file, ...values } : undefined
  } catch {
    return undefined
  }
}

/** A server beside it goes first. */
function stepBack(): void {
  try {
    setPriority(10)
  } catch {
    // Not everywhere allowed, and not needed.
  }
}

function tidyUpOnSignals(file: string): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      removePartial(file)
      // Again, and now it ends the process.
      process.kill(process.pid, signal)
    })
  }
}

let shown = -1

function showProgress(share: number): void {
  const percent = Math.floor(share * 100)
  if (!process.stderr.isTTY || percent === shown) return
  shown = percent
  process.stderr.write(`\r${percent} % `)
}

function describe({ file, bytes, milliseconds }: Backup): string {
  const size = bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`
  return `${shown < 0 ? '' : '\r'}Backed up ${size} to ${file} in ${(milliseconds / 1_000).toFixed(1)} s`
}
