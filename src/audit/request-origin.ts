import type { App } from '../http/app.ts'
import type { Origin } from '../store/origin.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** What a change goes back to that this request makes. Made when it is asked for: most requests change nothing. */
    readonly origin: Origin
  }
}

/** Gives every request its `origin`. */
export function tellOrigins(app: App): void {
  app.addHook('onRequest', (request, _reply, done) => {
    // Node forgets the address with the connection, unless it was asked before: who leaves at once is known all the same.
    void request.raw.socket.remoteAddress
    done()
  })
  app.decorateRequest('origin', {
    getter() {
      const { key_id, name } = this.caller
      return { actor: { key_id, name, address: plainAddress(this.ip) }, claim: this.idempotency?.claim }
    },
  })
}

/** A socket for both kinds of addresses gives those of IPv4 as `::ffff:10.0.0.1` (RFC 4291 §2.5.5.2). */
function plainAddress(ip: string): string {
  return ip.replace(/^::ffff:(?=\d+\.)/i, '')
}
