// Loaded with `--import` into every process that is measured, so that none has to know that it is. It answers questions
// over the IPC channel (sample.ts), and ends the process when the channel closes: a bench that is killed leaves nothing
// running. Plain JavaScript, because what strips the types takes 10 MB in each thread, which would be measured with it.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { BroadcastChannel, isMainThread } from 'node:worker_threads'

const RSS_EVERY_MS = 250

// The other threads of the process are asked over this.
const threads = new BroadcastChannel('agent-studio-bench')

function collectGarbage() {
  // The first one only queues what has finalizers.
  for (let pass = 0; pass < 3; pass++) globalThis.gc()
  return process.memoryUsage().heapUsed
}

function answerThread() {
  threads.addEventListener('message', ({ data }) => data === 'collect' && threads.postMessage(collectGarbage()))
  threads.postMessage('here')
}

function answerBench() {
  let others = 0
  let told = () => {}
  threads.addEventListener('message', ({ data }) => {
    if (data === 'here') others++
    else told(data)
  })

  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  let rssHistory = []
  setInterval(() => rssHistory.push(process.memoryUsage.rss()), RSS_EVERY_MS).unref()

  const sample = () => {
    const { user, system } = process.cpuUsage()
    const rssBytes = process.memoryUsage.rss()
    const taken = { cpuMicros: user + system, rssBytes, rssHistory: [...rssHistory, rssBytes], loopDelayP99Ms: delay.percentile(99) / 1e6 }
    delay.reset()
    rssHistory = []
    return taken
  }

  const memory = async () => {
    const heaps = []
    await new Promise((resolve) => {
      told = (heapBytes) => heaps.push(heapBytes) === others && resolve()
      if (others === 0) resolve()
      threads.postMessage('collect')
    })
    heaps.push(collectGarbage())
    return { heapBytes: heaps.reduce((sum, each) => sum + each, 0), rssBytes: process.memoryUsage.rss() }
  }

  process.on('message', (question) => {
    if (question === 'sample') process.send(sample())
    if (question === 'memory') void memory().then((answer) => process.send(answer))
  })
  process.on('disconnect', () => process.exit())
  process.channel.unref()
}

if (!isMainThread) answerThread()
else if (process.send) answerBench()
// Nothing of this keeps a thread alive.
threads.unref()
