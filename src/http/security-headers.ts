import { randomBytes } from 'node:crypto'

/** On every answer, whatever it is: it is no page, it is in no page's frame, and no page of another site may embed it. */
export const SECURITY_HEADERS = {
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'X-Frame-Options': 'DENY',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
} as const

const ON_PAGES = {
  // No window that it opens, or that opened it, gets hold of it.
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Permissions-Policy':
    'accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), publickey-credentials-get=(), screen-wake-lock=(), usb=(), xr-spatial-tracking=()',
} as const

const ALWAYS = "base-uri 'none'; object-src 'none'; frame-ancestors 'none'"

/** For pages that bring no script: a style sheet of their own, and nothing else at all. */
export const PAGE_HEADERS = {
  ...ON_PAGES,
  'Content-Security-Policy': `default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'none'; ${ALWAYS}`,
}

/**
 * For pages that bring a script: those whose elements carry the nonce, what these load, and no other; and they talk to this
 * server alone.
 * @param nonce of `newNonce`, for one answer
 */
export function scriptedPageHeaders(nonce: string): Record<string, string> {
  const sources = `default-src 'none'; script-src 'nonce-${nonce}' 'strict-dynamic'; style-src 'self' 'nonce-${nonce}'`
  const own = "connect-src 'self'; font-src 'self'; img-src 'self' data: blob:; manifest-src 'self'; worker-src 'self'; form-action 'self'"
  return { ...ON_PAGES, 'Content-Security-Policy': `${sources}; ${own}; ${ALWAYS}` }
}

/** CSP Level 3 §2.3.1: at least 128 bits, anew for each answer. */
export function newNonce(): string {
  return randomBytes(18).toString('base64')
}
