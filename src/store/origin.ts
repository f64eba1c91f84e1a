import type { Claim } from './claim.ts'

/** Who makes a change, and from where. */
export interface Actor {
  /** The public part of the API key; empty where there is none: then the name is one of ours, or null for whoever may come without a key. */
  key_id: string
  name: string | null
  /** The network address that the request came from; null for what came from no network. */
  address: string | null
}

/** What a change goes back to. */
export interface Origin {
  actor: Actor
  /** Where the same request may be sent again. */
  claim?: Claim | undefined
}

/** Changes that nobody asked for just then: what the server does by itself. */
export const theServer: Actor = { key_id: '', name: 'server', address: null }

/** Changes by a command on the machine itself. */
export const localCommand: Actor = { key_id: '', name: 'local command', address: null }
