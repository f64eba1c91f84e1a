/** Which entries of the trail are asked for. */
export interface AuditFilter {
  /** The id of a key, or a name. */
  actor?: string | undefined
  action?: string | undefined
  object_type?: string | undefined
  /** The id of an object, or its name. */
  object?: string | undefined
  environment?: string | undefined
  /** In milliseconds since 1970, with it. */
  from?: number | undefined
  /** Without it. */
  to?: number | undefined
}
