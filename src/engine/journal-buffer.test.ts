import { setImmediate as turn } from 'node:timers/promises'
import { expect, it, vi } from 'vitest'
import { EventHub } from './event-hub.ts'
import { JournalBuffer, JournalLost } from './journal-buffer.ts'
import type { Journal, JournalEntry, RecordedEvent } from './journal.ts'

/** A buffer on a journal whose writes are committed, or fail, when the test says so. */
function buffer() {
  const entries: JournalEntry[] = []
  const settle: { commit: () => void; refuse: () => void; fail: (error: Error) => void }[] = []
  const append = (entry: JournalEntry): Promise<boolean> => {
    entries.push(entry)
    return new Promise((resolve, reject) => settle.push({ commit: () => resolve(true), refuse: () => resolve(false), fail: reject }))
  }
  const hub = new EventHub()
  const heard: RecordedEvent[] = []
  hub.listen('x', (events) => heard.push(...events))
  const patience = { onWait: () => undefined }
  const journal = { append } as unknown as Journal
  const made = new JournalBuffer({ executionId: 'x', lastEventId: 1, journal, hub, patience, onFailure: () => undefined })
  return { buffer: made, entries, settle, heard }
}
const end = { status: 'completed', at: 9, response: '', error: null, tokens: { input: 0, output: 0, total: 0 }, demo: false } as const

it('sends no event and no end before its commit, and all in their order', async () => {
  const { buffer: journal, entries, settle, heard } = buffer()
  journal.noteText(1, 'a#1', 'one', true)
  const first = journal.flush()
  await turn()
  journal.noteText(2, 'a#1', 'two', false)
  const ended = journal.end(end)
  await turn()
  expect([entries.length, heard]).toEqual([1, []])
  settle[0]!.commit()
  expect(await first).toBe(true)
  await turn()
  expect(heard.map(({ id }) => id)).toEqual([2])
  settle[1]!.commit()
  expect(await ended).toBe(true)
  expect(heard.map(({ id, type }) => [id, type])).toEqual([
    [2, 'content'],
    [3, 'content'],
    [4, 'status'],
  ])
  expect(entries[1]).toMatchObject({ events: { first_id: 3, last_id: 3 }, end: { last_event_id: 4 } })
})

it('writes nothing after a write that was lost: the gap could never be closed', async () => {
  const { buffer: journal, entries, settle, heard } = buffer()
  journal.noteText(1, 'a#1', 'lost', true)
  const first = journal.flush()
  await turn()
  journal.noteText(2, 'b#1', 'later', false)
  const second = journal.flush()
  const ended = journal.end(end)
  settle[0]!.fail(new Error('full'))
  for (const write of [first, second, ended]) await expect(write).rejects.toBeInstanceOf(JournalLost)
  expect(entries).toHaveLength(1)
  expect(heard).toEqual([])
})

it('writes in one entry what is noted while another is on its way', async () => {
  const { buffer: journal, entries, settle } = buffer()
  journal.noteEvent(1, { type: 'step' })
  void journal.flush()
  await turn()
  const flushes = Array.from({ length: 100 }, (_, index) => {
    journal.noteEvent(index, { type: 'step' })
    return journal.flush()
  })
  settle[0]!.commit()
  await turn()
  settle[1]!.commit()
  expect(await Promise.all(flushes)).toEqual(flushes.map(() => true))
  expect(entries.map(({ events }) => [events!.first_id, events!.last_id])).toEqual([
    [2, 2],
    [3, 102],
  ])
})

it('writes a large response apart from the step that says the same', async () => {
  const { buffer: journal, entries, settle } = buffer()
  journal.noteEvent(1, { type: 'step' })
  const ended = journal.end({ ...end, response: 'x'.repeat(1_000_000) })
  await vi.waitFor(() => expect(entries).toHaveLength(1))
  settle[0]!.commit()
  await vi.waitFor(() => expect(entries).toHaveLength(2))
  settle[1]!.commit()
  expect(await ended).toBe(true)
  expect(entries).toMatchObject([{ events: { first_id: 2 } }, { events: null, end: { last_event_id: 3 } }])
  expect(entries[0]).not.toHaveProperty('end')
})

it('does not write the end of an execution that has ended elsewhere since its last step', async () => {
  const { buffer: journal, entries, settle } = buffer()
  journal.noteEvent(1, { type: 'step' })
  const ended = journal.end({ ...end, response: 'x'.repeat(1_000_000) })
  await vi.waitFor(() => expect(entries).toHaveLength(1))
  settle[0]!.refuse()
  expect(await ended).toBe(false)
  expect(entries).toHaveLength(1)
})
