/** Milliseconds of CPU that this thread has used. Unlike the clock it does not see what else runs on the machine. */
export function cpuTime(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1_000
}
