import { toTimestamp } from '../clock.ts'
import type { SecretHead } from './repository.ts'
import type { UsedBy } from './used-by.ts'

/** A secret as the API shows it: everything but its value, no part of which ever leaves. */
export interface SecretView {
  environment: string
  name: string
  version: number
  /** The key of the key file that it is encrypted with. */
  key_id: string
  /** Whether that key is in the file. */
  readable: boolean
  created_at: string
  created_by: string | null
  updated_at: string
  updated_by: string | null
  used_by: UsedBy
}

export function toSecretView(head: SecretHead, readable: boolean, used_by: UsedBy): SecretView {
  const { environment, name, version, key_id, created_at, created_by, updated_at, updated_by } = head
  return {
    environment,
    name,
    version,
    key_id,
    readable,
    created_at: toTimestamp(created_at),
    created_by,
    updated_at: toTimestamp(updated_at),
    updated_by,
    used_by,
  }
}
