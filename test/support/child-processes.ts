import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

interface Listed {
  pid: number
  parent: number
  /** It has ended, and nobody has asked how. */
  isZombie: boolean
}

/** Those that run and were started by this process. */
export function childrenOf(pid: number): number[] {
  return all().flatMap((one) => (one.parent === pid && !one.isZombie ? [one.pid] : []))
}

export function isRunning(pid: number): boolean {
  return all().some((one) => one.pid === pid && !one.isZombie)
}

function all(): Listed[] {
  return process.platform === 'linux' ? fromProc() : fromPs()
}

function fromProc(): Listed[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const [state, parent] = statOf(name)
      return state === undefined ? [] : [{ pid: Number(name), parent: Number(parent), isZombie: state === 'Z' || state === 'X' }]
    })
}

/** What follows the name of the program, which may hold anything. Nothing if the process has ended since. */
function statOf(pid: string): string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  } catch {
    return []
  }
}

function fromPs(): Listed[] {
  const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,ppid=,state='], { encoding: 'utf8' })
  return stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .map(([pid, parent, state]) => ({ pid: Number(pid), parent: Number(parent), isZombie: state!.startsWith('Z') }))
}
