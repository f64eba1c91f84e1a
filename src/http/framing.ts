import type { IncomingMessage } from 'node:http'
import { HttpVersionUnsupported, MalformedRequest, TransferCodingUnsupported } from '../errors.ts'

/**
 * Refuses what Node's parser lets through although its own idea of the request may not be that of whatever stands before
 * this server. @throws HttpVersionUnsupported, TransferCodingUnsupported, MalformedRequest
 */
export function checkFraming({ httpVersion, headers, method, url }: IncomingMessage): void {
  // RFC 9110 §15.6.6
  if (httpVersion !== '1.1' && httpVersion !== '1.0') throw new HttpVersionUnsupported({ version: httpVersion })
  const coding = headers['transfer-encoding']
  if (coding !== undefined) {
    // RFC 9112 §6.1: such a message is not framed as its sender believes.
    if (httpVersion === '1.0') throw new MalformedRequest({ reason: 'HTTP/1.0 knows no Transfer-Encoding. Send the length of the body.' })
    if (coding.trim().toLowerCase() !== 'chunked') throw new TransferCodingUnsupported({ coding: coding.slice(0, 100) })
  }
  // RFC 9112 §3.2.4
  if (url === '*' && method !== 'OPTIONS') throw new MalformedRequest({ reason: "The address '*' is for OPTIONS alone." })
}
