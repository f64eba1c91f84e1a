/** What a server is started with so that it loads this module, in every thread, before anything of its own. */
export function preload(module: string, env: Record<string, string> = {}): Record<string, string> {
  return { NODE_OPTIONS: `--import=${new URL(module, import.meta.url).href}`, ...env }
}

/** Joins the environments of a server; where several preload a module, it loads all of them. */
export function joinEnv(...environments: Record<string, string>[]): Record<string, string> {
  const options = environments.flatMap((env) => env['NODE_OPTIONS'] ?? [])
  return { ...Object.assign({}, ...environments), ...(options.length > 0 && { NODE_OPTIONS: options.join(' ') }) }
}
