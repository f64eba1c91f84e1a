import { describe, expect, it } from 'vitest'
import { Secrets } from './secrets.ts'

const secrets = new Secrets(['sk-abc', 'sk-abcdef', 'plain+key/=', '', undefined])

describe('secrets', () => {
  it.each([
    ['Incorrect API key sk-abcdef, or sk-abc.', 'Incorrect API key [hidden], or [hidden].'],
    ['key=plain%2Bkey%2F%3D and plain+key/=', 'key=[hidden] and [hidden]'],
    [`Basic ${Buffer.from('me:plain+key/=').toString('base64')}`, 'Basic bWU6[hidden]0='],
    ['Authorization: Bearer tok3n-of-a-proxy!', 'Authorization: Bearer [hidden]'],
    ['Incorrect: sk-proj-0123456789', 'Incorrect: [hidden]'],
    ['cannot reach http://me:secret@host/v1', 'cannot reach http://host/v1'],
  ])('%s → %s', (text, clean) => {
    expect(secrets.scrub(text)).toBe(clean)
  })

  it('leave an ordinary sentence alone', () => {
    const text = 'Bearer authentication required: see https://example.com/@docs and risk-averse tasks.'
    expect(secrets.scrub(text)).toBe(text)
  })
})
