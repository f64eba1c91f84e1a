import type { Agent, Dispatcher, EnvHttpProxyAgent } from 'undici'
import type { Dispatch } from '../outgoing/exchange.ts'
import { loadUndici } from '../outgoing/undici.ts'

/**
 * Makes what holds the connections to the operator's model servers, and keeps them for the next call.
 * @param throughProxy the one that `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` name
 */
export async function openConnections(throughProxy = nodeUsesProxy()): Promise<Dispatch> {
  const options: Agent.Options = {
    // How long a call may take is for the execution's timeout to say.
    headersTimeout: 0,
    bodyTimeout: 0,
    // What is not wanted is stopped by closing its connection, which must be nobody else's.
    allowH2: false,
  }
  if (throughProxy) return dispatchTo(new (await loadUndici<typeof EnvHttpProxyAgent>('env-http-proxy-agent'))(options))
  return dispatchTo(new (await loadUndici<typeof Agent>('agent'))(options))
}

export function dispatchTo(dispatcher: Dispatcher): Dispatch {
  return (options, handler) => {
    dispatcher.dispatch(options, handler)
    // The handler closes the connection itself: none of these can be interrupted before.
    return () => undefined
  }
}

/** As for Node's own `fetch`: only where it is told to. */
function nodeUsesProxy(): boolean {
  const options = [...process.execArgv, ...(process.env['NODE_OPTIONS'] ?? '').split(' ')]
  return process.env['NODE_USE_ENV_PROXY'] === '1' || options.includes('--use-env-proxy')
}
