import { describe, expect, it } from 'vitest'
import { withoutKeys } from './without-keys.ts'

describe('what the trail keeps of an object', () => {
  it('has no key that was written out, wherever it stands', () => {
    const configuration = {
      agents: [
        { agent_id: 'a', config: { api_key: 'sk-live-1', tools: [{ headers: { Authorization: 'Bearer abc', 'X-Api-Key': 'k' } }] } },
      ],
      steps: [{ step_id: 's', config: { secret: 'whsec_1', query: { token: 't', q: 'open' }, body: { password: 'p', note: 'n' } } }],
    }
    const kept = JSON.stringify(withoutKeys(configuration))
    for (const key of ['sk-live-1', 'Bearer abc', '"k"', 'whsec_1', '"t"', '"p"']) expect(kept).not.toContain(key)
    for (const other of ['"a"', '"s"', '"open"', '"n"']) expect(kept).toContain(other)
    expect(configuration.agents[0]!.config.api_key).toBe('sk-live-1')
  })

  it('has the references to secrets, and everything else as it is', () => {
    const configuration = {
      agents: [
        { config: { api_key: '{{ secrets.TEAM_KEY }}', max_tokens: 5, tools: [{ headers: { authorization: 'Bearer {{ secrets.A }}' } }] } },
      ],
      schema: { properties: { password: { type: 'string' } }, required: ['password', 'token'] },
      key: 'customer',
      token: null,
      secret: '',
    }
    expect(withoutKeys(configuration)).toEqual(configuration)
    const parsed: unknown = JSON.parse('{"__proto__": {"api_key": "x"}, "constructor": {"token": 1}}')
    expect(JSON.stringify(withoutKeys(parsed))).toBe('{"__proto__":{"api_key":"[hidden]"},"constructor":{"token":1}}')
    for (const same of [{ a: [1, 'x'] }, [], 'sk-live', 3, null]) expect(withoutKeys(same)).toBe(same)
  })
})
