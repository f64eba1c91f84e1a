// Loaded with `--import` into every process that is measured, so that none has to know that it is. It answers questions
// over the IPC channel, and ends the process when the channel closes: a bench that is killed leaves nothing running.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { isMainThread } from 'node:worker_threads'

export interface Sample {
  /** Used by all threads since the process began. */
  cpuMicros: number
  rssBytes: number
  /** Since the sample before, and never less than the millisecond of the timer that it is measured with. */
  loopDelayP99Ms: number
}

if (isMainThread && process.send) {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  process.on('message', (message) => {
    if (message !== 'sample') return
    const { user, system } = process.cpuUsage()
    const sample: Sample = {
      cpuMicros: user + system,
      rssBytes: process.memoryUsage.rss(),
      loopDelayP99Ms: delay.percentile(99) / 1e6,
    }
    delay.reset()
    process.send!(sample)
  })
  process.on('disconnect', () => process.exit())
  process.channel!.unref()
}
