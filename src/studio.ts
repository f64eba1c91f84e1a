import type { Clock } from './clock.ts'
import type { Dispatcher } from './engine/dispatcher.ts'
import type { EventHub } from './engine/event-hub.ts'
import type { Journal } from './engine/journal.ts'
import type { Models } from './models/model.ts'
import type { Store } from './store/store.ts'

/** What the features stand on. Only main.ts knows which classes these are. */
export interface Studio {
  store: Store
  journal: Journal
  dispatcher: Dispatcher
  hub: EventHub
  models: Models
  clock: Clock
  /** In look-up order. */
  environments: readonly string[]
  /** Begins to remove, in the background, what a deletion has hidden. */
  purge: () => void
}
