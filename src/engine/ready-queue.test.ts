import { describe, expect, it } from 'vitest'
import { ReadyQueue } from './ready-queue.ts'

const MB = 1_000_000

function queueOf(...waiting: [id: string, bytes: number][]): ReadyQueue {
  const queue = new ReadyQueue()
  for (const [execution_id, bytes] of waiting) queue.add({ execution_id, deployment_id: 'd', bytes, why: 'wake' })
  return queue
}

/** Those whose turn it is, one after the other. */
function all(queue: ReadyQueue): string[] {
  const ids: string[] = []
  for (let next = queue.next(); next; next = queue.next()) ids.push(next.execution_id)
  return ids
}

describe('the queue of what is ready', () => {
  it('goes by the order of admission, be they heavy or light', () => {
    expect(all(queueOf(['1', 10], ['2', MB], ['3', 10], ['4', MB]))).toEqual(['1', '2', '3', '4'])
  })

  it('has so much of heavy requests in memory, and light ones pass those that wait for it', () => {
    const queue = queueOf(['1', 60 * MB], ['2', 60 * MB], ['3', 60 * MB], ['4', 10], ['5', MB])
    expect(all(queue)).toEqual(['1', '2', '4'])
    expect([queue.size, queue.letsPass(10), queue.letsPass(MB)]).toEqual([2, true, false])
    queue.leave(60 * MB)
    expect(all(queue)).toEqual(['3', '5'])
    expect([queue.size, queue.letsPass(MB), queue.letsPass(60 * MB)]).toEqual([0, true, false])
  })

  it('takes one that is too heavy by itself when there is no other', () => {
    const queue = queueOf(['1', MB], ['2', 500 * MB], ['3', 10])
    expect(all(queue)).toEqual(['1', '3'])
    queue.leave(MB)
    expect(all(queue)).toEqual(['2'])
  })

  it('forgets what waits no longer', () => {
    const queue = queueOf(['1', 10], ['2', MB])
    expect([queue.delete('2'), queue.delete('2'), queue.has('2'), queue.has('1')]).toEqual([true, false, false, true])
    expect(queue.ids()).toEqual(['1'])
    queue.clear()
    expect(all(queue)).toEqual([])
  })
})
