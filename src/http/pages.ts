import type { FastifyReply } from 'fastify'
import { newNonce, PAGE_HEADERS, scriptedPageHeaders } from './security-headers.ts'

/** A page without script, which may have none either. */
export function sendPage(reply: FastifyReply, page: string): FastifyReply {
  return reply.headers(PAGE_HEADERS).type('text/html; charset=utf-8').send(page)
}

/** @param render the page, whose `script` and `style` elements have this nonce; without it a browser leaves them out */
export function sendScriptedPage(reply: FastifyReply, render: (nonce: string) => string): FastifyReply {
  const nonce = newNonce()
  return reply.headers(scriptedPageHeaders(nonce)).type('text/html; charset=utf-8').send(render(nonce))
}
