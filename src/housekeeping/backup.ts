import { closeSync, existsSync, fsyncSync, linkSync, openSync, renameSync, rmSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { CopyRefused, copyDatabase, type CopyOptions } from '../store/sqlite/copy-database.ts'

export interface Backup {
  file: string
  bytes: number
  milliseconds: number
}

/**
 * Makes a copy of the database under a name that does not exist yet. Under that name it is whole from the first moment: it
 * grows beside it, under another one.
 * @throws {CopyRefused} with the one line that says what is wrong; then nothing is left behind
 */
export async function backUp(dataDir: string, target: string, options: CopyOptions): Promise<Backup> {
  const began = performance.now()
  const file = resolve(target)
  if (existsSync(file)) throw alreadyThere(file)
  const partial = partialName(file)
  makeEmpty(partial, file)
  try {
    await copyDatabase(resolve(dataDir), partial, options)
    giveName(partial, file)
    return { file, bytes: statSync(file).size, milliseconds: Math.round(performance.now() - began) }
  } catch (error) {
    throw error instanceof CopyRefused ? error : cannotBeWritten(file, error)
  } finally {
    removePartial(file)
  }
}

const cannotBeWritten = (file: string, error: unknown): CopyRefused =>
  new CopyRefused(`The backup ${file} cannot be written: ${(error as Error).message}.`)

const alreadyThere = (file: string): CopyRefused =>
  new CopyRefused(`The file ${file} exists already, and a backup replaces nothing. Choose another name.`)

const partialName = (file: string): string => join(dirname(file), `.${basename(file)}.${process.pid}.partial`)

/** Removes what an unfinished backup has written so far. */
export function removePartial(target: string): void {
  const partial = partialName(resolve(target))
  for (const suffix of ['', '-journal', '-wal', '-shm']) rmSync(partial + suffix, { force: true })
}

/** For its owner alone, as the data folder is. */
function makeEmpty(partial: string, file: string): void {
  try {
    closeSync(openSync(partial, 'wx', 0o600))
  } catch (error) {
    throw cannotBeWritten(file, error)
  }
}

function giveName(partial: string, file: string): void {
  try {
    // Not renamed, which would replace a file that was made meanwhile.
    linkSync(partial, file)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST' || existsSync(file)) throw alreadyThere(file)
    // Not every file system knows links.
    renameSync(partial, file)
  }
  if (process.platform === 'win32') return // has no folders that can be opened
  const folder = openSync(dirname(file), 'r')
  fsyncSync(folder)
  closeSync(folder)
}
