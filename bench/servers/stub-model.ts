// A model server that streams the same chat completion to everybody, after the milliseconds of its argument.
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { chatWire, piecesOf } from '../../test/support/scripted-wire.ts'

const reply = {
  pieces: ['It ', 'is ', 'a ', 'quarter ', 'past ', 'nine ', 'in ', 'Lis', 'bon.'],
  usage: { input: 14, output: 9 },
}
const wire = chatWire(reply, 'stub')
const chunks = [...wire.opening, ...piecesOf(reply).map(wire.piece), ...wire.closing]
const delayMs = Number(process.argv[2])

function answer(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (const chunk of chunks) response.write(chunk)
  response.end()
}

const server = createServer((request, response) => {
  request.resume().on('end', () => {
    if (delayMs > 0) setTimeout(answer, delayMs, response)
    else answer(response)
  })
})
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
