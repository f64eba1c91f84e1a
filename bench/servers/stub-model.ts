// A model server that streams the same chat completion to everybody, without any delay.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { chatWire, piecesOf } from '../../test/support/scripted-wire.ts'

const reply = {
  pieces: ['It ', 'is ', 'a ', 'quarter ', 'past ', 'nine ', 'in ', 'Lis', 'bon.'],
  usage: { input: 14, output: 9 },
}
const wire = chatWire(reply, 'stub')
const chunks = [...wire.opening, ...piecesOf(reply).map(wire.piece), ...wire.closing]

const server = createServer((request, response) => {
  request.resume().on('end', () => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const chunk of chunks) response.write(chunk)
    response.end()
  })
})
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
