import type { Studio } from '../studio.ts'

/** What is sent to an execution is recorded and shown, so a secret in it is hidden before: it is to be named, not sent. */
export async function hideSecrets<Value extends object>(
  { secrets }: Studio,
  environments: readonly string[],
  value: Value,
): Promise<Value> {
  let clean = value
  for (const environment of environments) {
    const ready = secrets.ready(environment)
    if (ready) await ready
    clean = secrets.of(environment)?.scrubAll(clean) ?? clean
  }
  return clean
}
