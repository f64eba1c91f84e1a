import { closeSync, existsSync, fsyncSync, linkSync, openSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { hostname } from 'node:os'
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
  removeLeftovers(dirname(file))
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

function cannotBeWritten(file: string, error: unknown): CopyRefused {
  return new CopyRefused(`The backup ${file} cannot be written: ${reasonOf(error as NodeJS.ErrnoException, dirname(file))}.`)
}

/** In words, where it is something that the user can mend. */
function reasonOf({ code, message }: NodeJS.ErrnoException, folder: string): string {
  if (code === 'ENOENT' && !existsSync(folder)) return `there is no folder ${folder}; make it, or choose another place`
  if (code === 'ENOTDIR') return `${folder} is no folder; choose another place`
  if (code === 'EACCES' || code === 'EPERM') return `you may not write into the folder ${folder}; choose another place`
  if (code === 'EROFS') return `the folder ${folder} is on a disk that is only for reading; choose another place`
  return message
}

const alreadyThere = (file: string): CopyRefused =>
  new CopyRefused(`The file ${file} exists already, and a backup replaces nothing. Choose another name.`)

// Another machine may write its backups into the same folder, where its processes have numbers of their own.
const machine = hostname().replaceAll(/[^A-Za-z0-9-]/g, '-')
const partialName = (file: string): string => join(dirname(file), `.${basename(file)}.${machine}.${process.pid}.partial-backup`)
const PARTIAL = new RegExp(String.raw`^\..+\.${machine}\.(\d+)\.partial-backup(?:-journal|-wal|-shm)?$`)

/** Removes what an unfinished backup has written so far. */
export function removePartial(target: string): void {
  const partial = partialName(resolve(target))
  for (const suffix of ['', '-journal', '-wal', '-shm']) rmSync(partial + suffix, { force: true })
}

/** What backups into this folder have left that were killed. */
function removeLeftovers(folder: string): void {
  for (const name of listed(folder)) {
    const pid = Number(PARTIAL.exec(name)?.[1])
    if (pid === process.pid || (pid > 0 && !runs(pid))) rmSync(join(folder, name), { force: true })
  }
}

function listed(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    // Said by what is to be written there.
    return []
  }
}

function runs(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
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
