import type { Studio } from '../studio.ts'

/** What is sent to an execution is recorded and shown, so a secret in it is hidden before: it is to be named, not sent. */
export function hideSecrets<Value extends object>(
  { secrets }: Studio,
  environments: readonly string[],
  value: Value,
): Value | Promise<Value> {
  const loading = environments.flatMap((environment) => secrets.ready(environment) ?? [])
  const hide = (): Value => environments.reduce((clean, environment) => secrets.of(environment)?.scrubAll(clean) ?? clean, value)
  return loading.length === 0 ? hide() : Promise.all(loading).then(hide)
}
