import type { Clock } from './clock.ts'
import type { Dispatcher } from './engine/dispatcher.ts'
import type { EventHub } from './engine/event-hub.ts'
import type { Outside } from './graph/step-kind.ts'
import type { Journal } from './engine/journal.ts'
import type { Models } from './models/model.ts'
import type { Protections } from './protections.ts'
import type { Masks, Secrets } from './secrets/secrets.ts'
import type { Store } from './store/store.ts'
import type { Variables } from './variables/variables.ts'

/** What the features stand on. Only main.ts knows which classes these are. */
export interface Studio {
  store: Store
  journal: Journal
  dispatcher: Dispatcher
  hub: EventHub
  models: Models
  /** What tools of other servers are looked up with. */
  outside: Pick<Outside, 'outgoing' | 'secrets' | 'localServers'>
  secrets: Secrets & Masks
  variables: Variables
  clock: Clock
  /** In look-up order. */
  environments: readonly string[]
  /** By environment; most ask for nothing. */
  protections: Protections
  /** Begins to remove, in the background, what a deletion has hidden. */
  purge: () => void
}
