import type { Outcome, WireAnswer } from './wire.ts'

/** @returns what is wrong with an answer, whatever was asked; undefined where nothing is */
export function faultOf(outcome: Outcome, method: string, codes: ReadonlySet<string>): string | undefined {
  if ('failure' in outcome) return undefined
  const { status, headers } = outcome
  if (!(status >= 200 && status < 600)) return `its status is ${status}`
  if (status === 500) return 'it is 500'
  if (headers['x-content-type-options'] !== 'nosniff') return 'it has no security headers'
  if (status < 400 || method === 'HEAD') return undefined
  return faultOfProblem(outcome, codes)
}

function faultOfProblem({ status, headers, body }: WireAnswer, codes: ReadonlySet<string>): string | undefined {
  if (headers['content-type'] !== 'application/problem+json') return `it is of type ${headers['content-type']}`
  let problem: Record<string, unknown>
  try {
    problem = JSON.parse(Buffer.from(body, 'latin1').toString())
  } catch {
    return 'its problem cannot be read'
  }
  if (problem['status'] !== status) return 'its problem has another status'
  if (!codes.has(String(problem['code']))) return `its code ${String(problem['code'])} is not in the catalogue`
  if (typeof problem['detail'] !== 'string' || problem['detail'] === '') return 'its problem says nothing'
  if (status === 405 && !headers['allow']) return 'it does not say what is allowed'
  if (status === 401 && !headers['www-authenticate']) return 'it does not say how to come in'
  if (status === 429 && !/^[1-9]\d*$/.test(headers['retry-after'] ?? '')) return 'it does not say when to come again'
  return undefined
}
