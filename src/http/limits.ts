/** How long a client may take. Answers have no limit: an execution may run for a day, and a stream for as long. Milliseconds. */
export interface Limits {
  /** until the headers are complete */
  headersTimeout: number
  /** until the whole request has arrived */
  requestTimeout: number
  /** between two requests on one connection */
  keepAliveTimeout: number
  /** how often the two first are looked at */
  connectionsCheckingInterval: number
}

export const DEFAULT_LIMITS: Limits = {
  headersTimeout: 15_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 72_000,
  connectionsCheckingInterval: 2_000,
}
