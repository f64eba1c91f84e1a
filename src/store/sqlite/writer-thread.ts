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

/** Everything that arrived while the last commit ran is the next group: no timer, no window. */
function commitInGroups(port: MessagePort, connection: SqliteConnection, commands: readonly AnyCommand[]): void {
  const writer = new SqliteWriter(connection, commands)
  let last: Promise<void> = Promise.resolve()

  const commit = async (requests: WriteRequest[]): Promise<CommitReport> => {
    const began = performance.now()
    const replies = await writer.commit(requests)
    return { replies, durationMs: performance.now() - began }
  }

  const commitAll = async (first: Message): Promise<void> => {
    const messages = [first]
    for (let more = receiveMessageOnPort(port); more; more = receiveMessageOnPort(port)) messages.push(more.message as Message)
    const requests = messages.flatMap((message) => (message === 'close' ? [] : message))
    if (requests.length > 0) port.postMessage(await commit(requests))
    if (messages.includes('close')) {
      connection.close()
      port.close()
    }
  }

  port.on('message', (message: Message) => {
    last = last.then(() => commitAll(message))
  })
}

/** Sent once, before anything else. */
export interface Opening {
  /** Must exist and be migrated. */
  file: string
}

/** Nothing is sent after `close`. */
type Message = WriteRequest[] | 'close'
