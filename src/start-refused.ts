/** The server cannot start as it is set up. The message is the one line that the user sees; the exit code is 1. */
export class StartRefused extends Error {
  override readonly name = 'StartRefused'
}
