/** What clients may take of the server before it does anything for them. */
export interface Limits {
  /**
   * How long a client may take until the headers are complete. Milliseconds, as the next three. Answers have no limit: an
   * execution may run for a day, and a stream for as long.
   */
  headersTimeout: number
  /** until the whole request has arrived */
  requestTimeout: number
  /** between two requests on one connection */
  keepAliveTimeout: number
  /** how often the two first are looked at */
  connectionsCheckingInterval: number
  /** Connections that are not being served: idle, or with half a request. When there are more, the oldest give way. */
  unservedConnections: number
  /** What bodies take together that are only half here. When it is more, the oldest give way. */
  halfSentBytes: number
  /** What large bodies take together whose requests are not answered. When it would be more, the next ones are refused. */
  largeBodyBytes: number
}

export const DEFAULT_LIMITS: Limits = {
  headersTimeout: 15_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 72_000,
  connectionsCheckingInterval: 2_000,
  unservedConnections: 10_000,
  halfSentBytes: 128_000_000,
  largeBodyBytes: 256_000_000,
}
