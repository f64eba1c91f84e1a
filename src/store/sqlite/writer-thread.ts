import { setTimeout as delay } from 'node:timers/promises'
import { receiveMessageOnPort, type MessagePort } from 'node:worker_threads'
import { SqliteConnection } from './connection.ts'
import { SqliteWriter, type AnyCommand, type CommitReport, type WriteRequest } from './writer.ts'

/**
 * The writing end of the store, on its own thread, so that the event loop of the server never waits for the disk. It may be
 * started before there is a database: the first message says which file to open.
 */
export function serveWrites(port: MessagePort, commands: readonly AnyCommand[]): void {
  port.once('message', ({ file }: Opening) => commitInGroups(port, new SqliteConnection(file), commands))
}

/** What an execution that is small takes from its admission to its end, when its models take no time. Milliseconds. */
const SMALL_MS = 5

/**
 * Everything that arrived while the last commit ran is the next group: no timer, no window. But what is large waits until it
 * has a transaction of its own, one between two groups; and after a group for what that leads to, so that a small
 * execution does not wait for a large one at its admission and for another one at its end.
 */
function commitInGroups(port: MessagePort, connection: SqliteConnection, commands: readonly AnyCommand[]): void {
  const writer = new SqliteWriter(connection, commands)
  const inbox: Message[] = []
  const large: WriteRequest[] = []
  let isBusy = false
  let closes = false

  const commit = async (requests: WriteRequest[], apart: boolean): Promise<void> => {
    const began = performance.now()
    const replies = await writer.commit(requests)
    port.postMessage({ replies, apart, durationMs: performance.now() - began } satisfies CommitReport)
  }

  /** @returns whether there was a group */
  const commitGroup = async (): Promise<boolean> => {
    for (let more = receiveMessageOnPort(port); more; more = receiveMessageOnPort(port)) inbox.push(more.message as Message)
    const group: WriteRequest[] = []
    for (const message of inbox.splice(0)) {
      if (message === 'close') closes = true
      else if ('apart' in message) large.push(message.apart)
      else group.push(...message)
    }
    if (group.length > 0) await commit(group, false)
    return group.length > 0
  }

  const commitAll = async (): Promise<void> => {
    isBusy = true
    while ((await commitGroup()) || large.length > 0) {
      if (large.length === 0) continue
      await delay(SMALL_MS)
      await commitGroup()
      await commit([large.shift()!], true)
    }
    isBusy = false
    if (!closes) return
    connection.close()
    port.close()
  }

  port.on('message', (message: Message) => {
    inbox.push(message)
    if (!isBusy) void commitAll()
  })
}

/** Sent once, before anything else. */
export interface Opening {
  /** Must exist and be migrated. */
  file: string
}

/** Nothing is sent after `close`. */
type Message = WriteRequest[] | LargeWrite | 'close'

/** In its own transaction, in whatever order with the others. */
export interface LargeWrite {
  apart: WriteRequest
}
