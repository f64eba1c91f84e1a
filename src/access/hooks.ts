import type { FastifyRequest, RouteOptions } from 'fastify'
import { KeyInUrl, KeyInvalid, ScopeMissing } from '../errors.ts'
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
    /** When its key was looked at. Milliseconds of the monotonic clock. */
    admittedAt: number
    /** Whether its key is still good. Answers that take long ask this now and then. */
    isStillAdmitted(): boolean
  }
}

/** A key that was good so long ago is looked at again: it may have been revoked since. Milliseconds. */
const LOOK_AGAIN_MS = 20

/**
 * Lets nobody in without a key that may do what the route does. Called before the first route is registered, so that it holds
 * for all of them, for addresses that do not exist as well. It costs a request some five microseconds.
 * @param limit adds what counts the requests of a caller, also those that the caller may not send
 */
export function guardRoutes(app: App, gate: Gate, limit?: (app: App) => void): void {
  app.addHook('onRoute', requireScope)
  // Fastify refuses objects here, which requests would share; the hook sets it before anybody looks.
  app.decorateRequest('caller', null as never)
  app.decorateRequest('admittedAt', 0)
  app.decorateRequest('isStillAdmitted', function (this: FastifyRequest) {
    return gate.stillAdmits(this.caller)
  })
  app.addHook('onRequest', (request, _reply, done) => {
    try {
      refuseKeyInUrl(request)
      request.caller = callerOf(request, gate)
      request.admittedAt = performance.now()
      done()
    } catch (error) {
      done(error as Error)
    }
  })
  limit?.(app)
  app.addHook('onRequest', ({ routeOptions, caller }, _reply, done) => {
    const scope = scopeOf(routeOptions)
    if (scope === 'none' || scope === 'any' || holds(caller, scope)) done()
    else done(new ScopeMissing({ scope }))
  })
  // Whoever sends a body slowly could otherwise keep half a request for the time after the revocation.
  app.addHook('preValidation', (request, _reply, done) => {
    try {
      refuseRevoked(request)
      done()
    } catch (error) {
      done(error as Error)
    }
  })
}

/**
 * To be called before something is done or answered that was long in coming. It costs next to nothing where it was not.
 * @throws KeyInvalid where the key was revoked or has expired since the request began
 */
export function refuseRevoked(request: FastifyRequest): void {
  if (request.caller === nobody || performance.now() - request.admittedAt <= LOOK_AGAIN_MS) return
  if (!request.isStillAdmitted()) throw new KeyInvalid({})
}

/** A route that nobody thought about must not be open to everybody, nor closed by chance. */
function requireScope({ method, url, config }: RouteOptions): void {
  if (config?.scope === undefined) throw new Error(`the route ${String(method)} ${url} says no scope in its config`)
}

function callerOf({ routeOptions, headers, ip }: FastifyRequest, gate: Gate): Caller {
  return scopeOf(routeOptions) === 'none' ? nobody : gate.identify(headers.authorization, ip)
}

/** Any key where no route matches: what there is and what there is not is not for everybody either. */
function scopeOf({ config }: FastifyRequest['routeOptions']): Scope | 'any' | 'none' {
  return config?.scope ?? 'any'
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
