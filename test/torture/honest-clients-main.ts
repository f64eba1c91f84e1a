// The process of clients who ask for something now and then and note how long it takes.
import { createHistogram } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { Connection } from '../../bench/load/connection.ts'
import type { HonestResult, HonestWork } from './honest-clients.ts'

/** What takes longer is a failure. Milliseconds. */
const PATIENCE_MS = 30_000

let isEnough = false

async function work({ port, requests, clients, pauseMs, reconnects }: HonestWork): Promise<HonestResult> {
  const micros = createHistogram()
  const failures: Record<string, number> = {}
  const note = (what: string): void => void (failures[what] = (failures[what] ?? 0) + 1)

  const ask = (connection: (request: Buffer, answered: (what: string) => void) => void, request: Buffer): Promise<string> =>
    new Promise((resolve) => {
      const late = setTimeout(() => resolve('late'), PATIENCE_MS)
      connection(request, (what) => {
        clearTimeout(late)
        resolve(what)
      })
    })

  const client = async (index: number): Promise<void> => {
    const isNew = reconnects && index % 2 === 1
    const lines = new Map<Buffer, Connection>()
    let settle: (what: string) => void = () => undefined
    const open = (request: Buffer): Connection =>
      new Connection({ port, request, onAnswer: (status) => settle(String(status)), onBreak: (error) => settle(error) })
    const send = (request: Buffer, answered: (what: string) => void): void => {
      settle = answered
      const line = (!isNew && lines.get(request)) || open(request)
      if (isNew) lines.get(request)?.close()
      lines.set(request, line)
      line.send()
    }
    const bytes = requests.map((request) => Buffer.from(request))
    // The message that says so comes while this waits.
    const goesOn = (): boolean => !isEnough
    for (let turn = index; goesOn(); turn++) {
      const began = performance.now()
      const what = await ask(send, bytes[turn % bytes.length]!)
      if (/^2\d\d$/.test(what)) micros.record(Math.max(1, Math.round((performance.now() - began) * 1_000)))
      else note(what)
      await delay(pauseMs)
    }
    for (const line of lines.values()) line.close()
  }

  await Promise.all(Array.from({ length: clients }, (_, index) => client(index)))
  const ms = (value: number): number => Math.round(value / 100) / 10
  return { answered: micros.count, p50: ms(micros.percentile(50)), p99: ms(micros.percentile(99)), max: ms(micros.max), failures }
}

process.on('message', (message: HonestWork | 'enough') => {
  if (message === 'enough') {
    isEnough = true
    return
  }
  isEnough = false
  void work(message).then((result) => process.send!(result))
})
process.on('disconnect', () => process.exit())
