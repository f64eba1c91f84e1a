/**
 * One of undici's dispatchers. Only its part of undici is loaded (15 ms, 2 MB), when it is first needed: the rest, another
 * `fetch` above all, takes four times as long and 11 MB more.
 */
export async function loadUndici<Class>(name: 'agent' | 'client' | 'env-http-proxy-agent'): Promise<Class> {
  return ((await import(`undici/lib/dispatcher/${name}.js`)) as { default: Class }).default
}
