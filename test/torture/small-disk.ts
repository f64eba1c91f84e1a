import { spawnSync } from 'node:child_process'
import { closeSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { removeFolder, temporaryFolder } from '../support/server.ts'

/** A disk of a few megabytes, in memory, which can be filled and emptied. */
export interface SmallDisk {
  folder: string
  /** Takes all room but so many bytes. */
  fill(left: number): void
  /** Gives back what was taken. */
  free(): void
  remove(): void
}

/** @returns why there is none, on a machine where nothing may be mounted */
export function makeSmallDisk(megabytes: number): SmallDisk | { reason: string } {
  const folder = temporaryFolder()
  const { status, stderr, error } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=700`, 'tmpfs', folder], {
    encoding: 'utf8',
  })
  if (status !== 0) {
    removeFolder(folder)
    return { reason: `a small disk cannot be mounted here: ${(error?.message ?? stderr).trim()}` }
  }
  const ballast = join(folder, 'ballast')
  return {
    folder,
    fill: (left) => {
      const { bavail, bsize } = statfsSync(folder)
      const room = bavail * bsize - left
      const file = openSync(ballast, 'a')
      if (room > 0) writeSync(file, Buffer.alloc(room))
      closeSync(file)
    },
    free: () => rmSync(ballast, { force: true }),
    remove: () => {
      spawnSync('umount', ['--lazy', folder])
      removeFolder(folder)
    },
  }
}

/** @returns the reason, where there can be none */
export function whyNoSmallDisk(): string | undefined {
  const disk = makeSmallDisk(1)
  if ('reason' in disk) return disk.reason
  disk.remove()
  return undefined
}
