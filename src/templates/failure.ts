/** Why a template could not be rendered, before it is known where it stands. Never leaves this room. */
export class Failure extends Error {
  /** The path that was not there. */
  readonly path: string | undefined

  /** @param reason a sentence without its full stop */
  constructor(reason: string, path?: string) {
    super(reason)
    this.path = path
  }
}

/** A path that leads nowhere. `default` accepts it, which LiquidJS decides by the name of the error. */
export class MissingPath extends Failure {
  override readonly name = 'InternalUndefinedVariableError'
}

/** A limit that was reached: time, size or depth. */
export class Overrun extends Error {
  readonly limit: 'time' | 'size' | 'depth'

  constructor(limit: 'time' | 'size' | 'depth') {
    super(limit)
    this.limit = limit
  }
}
