import type { FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import { KeyInUrl, ScopeMissing, StudioError } from '../errors.ts'
import type { App } from '../http/app.ts'
import { holds, nobody, type Caller, type Scope } from './caller.ts'
import type { Gate } from './gate.ts'
import { containsKey } from './key-text.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * Which scope a key must have for this route, once there are keys. `any`: every key will do, for what tells nothing of what
     * is stored here. `none`: no key is needed, which is for questions about health alone. Every route says it.
     */
    scope?: Scope | 'any' | 'none'
  }
  interface FastifyRequest {
    /** Who sent it: from the first hook on. */
    caller: Caller
    /** Whether its key is still good. Answers that take long ask this now and then. */
    isStillAdmitted(): boolean
  }
}

/**
 * Lets nobody in without a key that may do what the route does. Called before the first route is registered, so that it holds
 * for all of them, for addresses that do not exist as well. It costs a request some five microseconds.
 */
export function guardRoutes(app: App, gate: Gate): void {
  app.addHook('onRoute', requireScope)
  // Fastify refuses objects here, which requests would share; the hook sets it before anybody looks.
  app.decorateRequest('caller', null as never)
  app.decorateRequest('isStillAdmitted', function (this: FastifyRequest) {
    return gate.stillAdmits(this.caller)
  })
  app.addHook('onRequest', (request, reply, done) => {
    try {
      refuseKeyInUrl(request)
      request.caller = callerOf(request, gate)
      done()
    } catch (error) {
      challenge(error, reply)
      done(error as Error)
    }
  })
}

/** A route that nobody thought about must not be open to everybody, nor closed by chance. */
function requireScope({ method, url, config }: RouteOptions): void {
  if (config?.scope === undefined) throw new Error(`the route ${String(method)} ${url} says no scope in its config`)
}

function callerOf({ routeOptions, headers, ip }: FastifyRequest, gate: Gate): Caller {
  // None where no route matches: what there is and what there is not is not for everybody either.
  const scope = routeOptions.config?.scope ?? 'any'
  if (scope === 'none') return nobody
  const caller = gate.identify(headers.authorization, ip)
  if (scope !== 'any' && !holds(caller, scope)) throw new ScopeMissing({ scope })
  return caller
}

/** Names by which other APIs take keys in addresses. None of our parameters is called like that. */
const KEY_PARAMETERS = /[?&](?:x-)?(?:(?:api|access|auth)[-_]?(?:key|token)|key|token|bearer|authorization)=/i

/** RFC 9700 §4.3.2: addresses are logged and remembered by everything on the way. */
function refuseKeyInUrl({ url }: FastifyRequest): void {
  const plain = url.includes('%') ? decoded(url) : url
  if (containsKey(plain) || (plain.includes('?') && KEY_PARAMETERS.test(plain))) throw new KeyInUrl({})
}

function decoded(url: string): string {
  try {
    return decodeURIComponent(url)
  } catch {
    // It is refused for that by others; the escapes of letters are decoded all the same.
    return url.replaceAll(/%([2-7][0-9a-f])/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  }
}

/** RFC 6750 §3, RFC 9110 §11.6.1. */
function challenge(error: unknown, reply: FastifyReply): void {
  if (!(error instanceof StudioError) || (error.status !== 401 && !(error instanceof ScopeMissing))) return
  const { scope } = error.members as { scope?: string }
  const why = { key_invalid: ', error="invalid_token"', scope_missing: `, error="insufficient_scope", scope="${scope}"` }
  reply.header('www-authenticate', `Bearer realm="Agent Studio"${why[error.code as keyof typeof why] ?? ''}`)
}
