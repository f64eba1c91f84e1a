import type { Agent, Dispatcher, EnvHttpProxyAgent } from 'undici'

/**
 * Makes what holds the connections to model servers, and keeps them for the next call. Only its part of undici is loaded
 * (15 ms, 2 MB): the rest, another `fetch` above all, takes four times as long and 11 MB more.
 * @param throughProxy the one that `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` name
 */
export async function openConnections(throughProxy = nodeUsesProxy()): Promise<Dispatcher> {
  const options: Agent.Options = {
    // How long a call may take is for the execution's timeout to say.
    headersTimeout: 0,
    bodyTimeout: 0,
    // What is not wanted is stopped by closing its connection, which must be nobody else's.
    allowH2: false,
  }
  if (throughProxy) return new (await load<typeof EnvHttpProxyAgent>('undici/lib/dispatcher/env-http-proxy-agent.js'))(options)
  return new (await load<typeof Agent>('undici/lib/dispatcher/agent.js'))(options)
}

async function load<Class>(path: string): Promise<Class> {
  return ((await import(path)) as { default: Class }).default
}

/** As for Node's own `fetch`: only where it is told to. */
function nodeUsesProxy(): boolean {
  const options = [...process.execArgv, ...(process.env['NODE_OPTIONS'] ?? '').split(' ')]
  return process.env['NODE_USE_ENV_PROXY'] === '1' || options.includes('--use-env-proxy')
}
