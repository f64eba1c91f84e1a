import { existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Random } from './random.ts'

/** The write-ahead log of a killed server, as far as tortures need to know its format (sqlite.org/fileformat2.html §4). */
export interface WalFile {
  file: string
  bytes: Buffer
  /** Where frames begin that no checkpoint has copied, even in part: what is before is no loss but corruption. */
  from: number
  /** Where the last frame of this generation ends. */
  to: number
  frameSize: number
}

const HEADER = 32
const FRAME_HEADER = 24

/** @param folder the data folder */
export function readWal(folder: string): WalFile {
  const file = join(folder, 'agent-studio.db-wal')
  const bytes = existsSync(file) ? readFileSync(file) : Buffer.alloc(0)
  if (bytes.length < HEADER) return { file, bytes, from: 0, to: 0, frameSize: 0 }
  const frameSize = FRAME_HEADER + bytes.readUInt32BE(8)
  const salt = bytes.subarray(16, 24)
  let to = HEADER
  // Frames of an earlier generation may follow, with other salts.
  while (to + frameSize <= bytes.length && bytes.subarray(to + 8, to + 16).equals(salt)) to += frameSize
  // The index is in the byte order of the machine; nBackfill and nBackfillAttempted are the checkpoint's progress.
  const index = readFileSync(join(folder, 'agent-studio.db-shm'))
  const copied = Math.max(index.readUInt32LE(96), index.readUInt32LE(128))
  return { file, bytes, from: HEADER + copied * frameSize, to, frameSize }
}

export interface Damage {
  name: string
  /** From which byte on the log is not what it was. */
  at: number
  /** @param folder a copy of the data folder */
  apply: (folder: string) => void
}

/** Everything that may have become of a log, with the places chosen by chance. */
export function damages(wal: WalFile, random: Random): Damage[] {
  const log = (folder: string): string => join(folder, 'agent-studio.db-wal')
  const index = (folder: string): string => join(folder, 'agent-studio.db-shm')
  const somewhere = (from: number, to: number): number => Math.floor(random.between(from, to))
  const { from, to, frameSize } = wal
  const rewrite = (name: string, at: number, change: (bytes: Buffer) => Buffer): Damage => ({
    name,
    at,
    apply: (folder) => writeFileSync(log(folder), change(Buffer.from(wal.bytes))),
  })
  const truncation = (name: string, at: number): Damage => ({ name, at, apply: (folder) => truncateSync(log(folder), at) })
  const noise = (length: number): Buffer => Buffer.from(Array.from({ length }, () => Math.floor(random.next() * 256)))

  const anywhere = somewhere(from, to)
  const tail = somewhere(Math.max(from, to - 20 * frameSize), to)
  const flipped = somewhere(Math.max(from, to - 5 * frameSize), to)
  const frame = from + frameSize * somewhere(0, (to - from) / frameSize)
  const all: Damage[] = [
    truncation('truncated anywhere', anywhere),
    truncation('truncated in the header of a frame', frame + 11),
    truncation('truncated between frames', frame),
    rewrite('with a zeroed tail', tail, (bytes) => bytes.fill(0, tail)),
    rewrite('with a flipped byte in its last frames', flipped, (bytes) => {
      bytes[flipped]! ^= 0xff
      return bytes
    }),
    rewrite('with garbage behind it', to, (bytes) => Buffer.concat([bytes.subarray(0, to), noise(10_000)])),
    rewrite('with noise in its middle', anywhere, (bytes) => {
      noise(100).copy(bytes, anywhere)
      return bytes
    }),
    { name: 'whole, without its index', at: to, apply: (folder) => rmSync(index(folder)) },
    { name: 'whole, with an index of noise', at: to, apply: (folder) => writeFileSync(index(folder), noise(32_768)) },
    { name: 'whole, with an empty index', at: to, apply: (folder) => truncateSync(index(folder), 0) },
  ]
  // Where a checkpoint has begun, the log is needed.
  if (from > HEADER) return all
  return [
    ...all,
    truncation('empty', 0),
    truncation('truncated in its header', 17),
    { name: 'missing', at: 0, apply: (folder) => rmSync(log(folder)) },
    {
      name: 'missing, with its index',
      at: 0,
      apply: (folder) => {
        rmSync(log(folder))
        rmSync(index(folder))
      },
    },
  ]
}
