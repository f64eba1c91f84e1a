import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SecretMissing } from '../../src/errors.ts'
import { nothingToHide } from '../../src/secrets/secrets.ts'
import type { Studio } from '../../src/studio.ts'

/** For a studio that has none. */
export const noSettings: Pick<Studio, 'secrets' | 'variables' | 'outside' | 'protections'> = {
  outside: {
    outgoing: { request: () => Promise.reject(new Error('there is no way out')) },
    secrets: { ...nothingToHide, resolveAll: async () => ({}) },
  },
  secrets: {
    ...nothingToHide,
    find: async () => undefined,
    resolve: async (environment, name) => {
      throw new SecretMissing({ environment, name })
    },
    resolveAll: async () => ({}),
  },
  variables: { of: async () => ({}) },
  protections: new Map(),
}

/** Writes keys into a file that only its owner may read, the first one first. @returns its path */
export function writeKeyFile(folder: string, keys: readonly Buffer[] = [randomBytes(32)], name = 'secret-keys'): string {
  const path = join(folder, name)
  writeFileSync(path, keys.map((key) => `${key.toString('base64')}\n`).join(''), { mode: 0o600 })
  return path
}
