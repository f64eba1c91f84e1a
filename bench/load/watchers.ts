// The process that watches streams: each on a connection of its own, of which it reads what comes and keeps nothing.
import { connect, type Socket } from 'node:net'

export interface Watching {
  port: number
  /** Whole HTTP requests, one for each stream. */
  requests: string[]
}

/** Resolves when a first event has come. */
function watch(port: number, request: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(request))
    let head = ''
    const read = (chunk: Buffer): void => {
      head += chunk.toString('latin1')
      if (!head.includes('\ndata: ')) return
      socket.off('data', read).resume()
      resolve(socket)
    }
    socket.on('data', read)
    socket.once('error', reject).once('close', () => reject(new Error(`a stream ended with ${head}`)))
  })
}

process.on('message', ({ port, requests }: Watching) => {
  Promise.all(requests.map((request) => watch(port, request))).then(
    () => process.send!('watching'),
    (error: unknown) => process.send!(String(error)),
  )
})
// The probe, which ends this process with the bench, does not keep it alive.
process.channel!.ref()
