import { ServerUnreachable, StudioProblem } from '@agent-studio/client'
import type { Call } from '../frame/call.ts'
import { EXIT, type ExitCode } from '../frame/exit.ts'
import { toTable } from '../output/table.ts'
import type { Settings } from '../settings/settings.ts'

interface Fact {
  name: string
  value: string | null
  source: string | null
}

/** What is used, where each of it comes from, and whether the server takes it. */
export async function whoami(call: Call): Promise<ExitCode> {
  const facts = factsOf(call.settings)
  const check = await checkAccess(call)
  const document = { ...Object.fromEntries(facts.map(({ name, value, source }) => [name, { value, source }])), check }
  if (call.show.isForPrograms) await call.show.done(document, '', '')
  else {
    const columns = [
      { title: 'what', value: ({ name }: Fact) => name.replace('_', ' ') },
      { title: 'value', value: ({ value }: Fact) => value },
      { title: 'from', value: ({ source }: Fact) => source },
    ]
    call.terminal.line(toTable(facts, columns, Number.POSITIVE_INFINITY))
    call.terminal.line(`\n${check.message}`)
  }
  return check.exit
}

/** The settings, without what nobody should see. */
export function factsOf({ profile, url, environment, output, apiKey, keyWithheld }: Settings): Fact[] {
  return [
    { name: 'profile', value: profile?.value ?? null, source: profile?.source ?? null },
    { name: 'url', ...url },
    { name: 'environment', value: environment?.value ?? null, source: environment?.source ?? null },
    { name: 'output', ...output },
    { name: 'api_key', value: apiKey ? publicPart(apiKey.value) : null, source: apiKey?.source ?? keyWithheld ?? null },
  ]
}

/** The part of a key that names it; nothing of what is no key. */
function publicPart(key: string): string {
  return /^(as_[0-9A-Za-z]{12})_/.exec(key)?.[1]?.concat('_…') ?? '(not an API key)'
}

interface Access {
  ok: boolean
  exit: ExitCode
  code: string
  message: string
}

async function checkAccess(call: Call): Promise<Access> {
  const { url, apiKey } = call.settings
  try {
    await call.studio.call('listDeployments', { query: { limit: 1 } })
    const message = apiKey ? `${url.value} answers and takes the key.` : `${url.value} answers and asks for no key.`
    return { ok: true, exit: EXIT.done, code: 'ok', message }
  } catch (error) {
    if (error instanceof StudioProblem && error.code === 'scope_missing') {
      return {
        ok: true,
        exit: EXIT.done,
        code: 'ok',
        message: `${url.value} answers and takes the key, which may not look at deployments.`,
      }
    }
    if (error instanceof StudioProblem) {
      const exit = error.status === 401 || error.status === 403 ? EXIT.signIn : EXIT.no
      return { ok: false, exit, code: error.code, message: error.message }
    }
    if (error instanceof ServerUnreachable) return { ok: false, exit: EXIT.unreachable, code: 'server_unreachable', message: error.message }
    throw error
  }
}
