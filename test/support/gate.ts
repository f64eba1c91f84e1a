import { createSecretKey } from 'node:crypto'
import { Gate } from '../../src/access/gate.ts'

/** Lets everybody in, as a server on loopback without keys. */
export const openGate = new Gate({
  keys: { pepper: createSecretKey(Buffer.alloc(32)), anyKept: () => false, find: () => undefined },
  now: () => Date.now(),
  isPrivate: true,
  onUse: () => undefined,
})
