import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { StartRefused } from '../start-refused.ts'
import { readKeys } from './key-file.ts'
import { SealingKey } from './sealing.ts'

/**
 * Makes a file with a new key, which only its owner may read.
 * @returns the key's id
 * @throws StartRefused where there is such a file: its keys may be all that opens what they have sealed
 */
export function makeKeyFile(path: string, now: Date): string {
  const { id, text } = newKey(now)
  try {
    write(path, text)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code !== 'EEXIST') throw new StartRefused(`The key file ${path} cannot be written: ${message}.`)
    throw new StartRefused(`The file ${path} exists already and is left as it is. To put a new key into it as the first, add --add.`)
  }
  flushFolder(path)
  return id
}

/**
 * Puts a new key into the file as the first: it seals from then on, and the others open what they have sealed. Whoever reads
 * the file meanwhile sees it as it was or as it is.
 * @throws KeyFileUnusable, StartRefused
 */
export function addKey(path: string, now: Date): string {
  // Refused where nobody could use it afterwards.
  readKeys(path)
  const { id, text } = newKey(now)
  const old = readFileSync(path)
  const lines = old.length === 32 ? `${old.toString('base64')}\n` : old.toString('latin1')
  const unfinished = join(dirname(path), `.${id}.partial`)
  try {
    write(unfinished, text + lines)
    renameSync(unfinished, path)
  } catch (error) {
    rmSync(unfinished, { force: true })
    throw new StartRefused(`The key file ${path} cannot be written: ${(error as Error).message}.`)
  }
  flushFolder(path)
  return id
}

function newKey(now: Date): { id: string; text: string } {
  const key = randomBytes(32)
  const { id } = new SealingKey(key)
  return { id, text: `# key ${id}, made ${now.toISOString().slice(0, 10)}\n${key.toString('base64')}\n` }
}

function write(path: string, text: string): void {
  const file = openSync(path, 'wx', 0o600)
  try {
    writeSync(file, text)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

function flushFolder(path: string): void {
  // Windows opens no folders.
  if (process.platform === 'win32') return
  const folder = openSync(dirname(path), 'r')
  fsyncSync(folder)
  closeSync(folder)
}
