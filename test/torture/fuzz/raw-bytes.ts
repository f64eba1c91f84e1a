import type { Random } from '../random.ts'

const heads = [
  'GET /hc HTTP/1.1\r\nHost: localhost\r\n\r\n',
  'GET /api/executions?limit=1 HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n',
  'POST /api/workflows/execute HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}',
  'POST /api/workflows HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n',
  'GET http://localhost/hc HTTP/1.1\r\nHost: localhost\r\n\r\n',
  'OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n',
  'CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'GET /hc\r\n',
  'GET /hc HTTP/1.0\r\n\r\n',
  'POST /hc HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello',
]
const pieces = [
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding: gzip, chunked\r\n',
  'Transfer-Encoding:\tchunked\r\n',
  'Transfer-Encoding : chunked\r\n',
  'Content-Length: 0\r\n',
  'Content-Length: 99999999999999999999\r\n',
  'Content-Length: -1\r\n',
  'Content-Length: +5\r\n',
  'Content-Length: 0x10\r\n',
  'Content-Length: 5, 5\r\n',
  'Host: evil.example\r\n',
  'Connection: close, keep-alive, upgrade\r\n',
  'Upgrade: websocket\r\n',
  ' folded: x\r\n',
  'Bad Name: x\r\n',
  ': x\r\n',
  'X: \x00\r\n',
  'X: \x7f\xff\r\n',
  'X\r\n',
  '\r\n',
  '\n',
  '\r',
  '\0',
  'HTTP/9.9',
  '%',
  'FFFFFFFFFFFFFFFF\r\n',
  '5;ext="' + 'x'.repeat(200) + '"\r\nhello\r\n',
  '-1\r\n',
  '0\r\nTrailer: x\r\n\r\n',
]

/** Bytes that are nearly a request, twice one, or none at all. */
export function rawBytes(random: Random): Buffer {
  if (random.next() < 0.1) return Buffer.from(Array.from({ length: Math.floor(random.between(1, 300)) }, () => random.between(0, 256)))
  let bytes = Buffer.from(random.pick(heads), 'latin1')
  for (let changes = Math.floor(random.between(1, 4)); changes > 0; changes--) bytes = changed(bytes, random)
  return bytes
}

function changed(bytes: Buffer<ArrayBuffer>, random: Random): Buffer<ArrayBuffer> {
  const at = Math.floor(random.between(0, bytes.length + 1))
  const before = bytes.subarray(0, at)
  const after = bytes.subarray(at)
  switch (Math.floor(random.between(0, 6))) {
    case 0:
      return Buffer.concat([before, Buffer.from(random.pick(pieces), 'latin1'), after])
    case 1:
      return Buffer.concat([before, after.subarray(Math.floor(random.between(0, 10)))])
    case 2:
      return Buffer.concat([before, Buffer.from([random.between(0, 256)]), after.subarray(1)])
    case 3:
      return Buffer.concat([bytes, Buffer.from(random.pick(heads), 'latin1')])
    case 4: {
      // At the end of a line, where headers are.
      const line = bytes.indexOf('\r\n', at) + 2
      return Buffer.concat([bytes.subarray(0, line), Buffer.from(random.pick(pieces), 'latin1'), bytes.subarray(line)])
    }
    default:
      return before.length > 0 ? Buffer.from(before) : bytes
  }
}
