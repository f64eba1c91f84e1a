import { receiveMessageOnPort, type MessagePort } from 'node:worker_threads'
import { SqliteConnection } from './connection.ts'
import { SqliteWriter, type AnyCommand, type WriteRequest } from './writer.ts'

/**
 * The writing end of the store, on its own thread, so that the event loop of the server never waits for the disk.
 * Everything that arrived while the last commit ran is the next group: no timer, no window.
 */
export function serveWrites(port: MessagePort, file: string, commands: readonly AnyCommand[]): void {
  const connection = new SqliteConnection(file)
  const writer = new SqliteWriter(connection, commands)
  let last: Promise<void> = Promise.resolve()

  const commitAll = async (first: Message): Promise<void> => {
    const messages = [first]
    for (let more = receiveMessageOnPort(port); more; more = receiveMessageOnPort(port)) messages.push(more.message as Message)
    const requests = messages.flatMap((message) => (message === 'close' ? [] : message))
    if (requests.length > 0) port.postMessage(await writer.commit(requests))
    if (messages.includes('close')) {
      connection.close()
      port.close()
    }
  }

  port.on('message', (message: Message) => {
    last = last.then(() => commitAll(message))
  })
}

/** Nothing is sent after `close`. */
type Message = WriteRequest[] | 'close'
