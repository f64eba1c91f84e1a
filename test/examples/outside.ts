import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach } from 'vitest'
import type { Answer } from '../support/api.ts'

const root = join(import.meta.dirname, '../..')

export interface ReceivedPost {
  path: string
  headers: Record<string, string>
  body: Answer['body']
}

/** The shop of the examples, as the process that people start, which nobody kills: so it can say what was done twice. */
export interface OutsideWorld {
  readonly url: string
  /** Of this test. */
  received(path?: string): Promise<ReceivedPost[]>
  mood(mood: 'fine' | 'broken' | 'slow'): Promise<void>
}

export function useOutside(): OutsideWorld {
  let url = ''
  let end = async (): Promise<void> => {}
  let before = 0
  const all = async (): Promise<ReceivedPost[]> => (await fetch(`${url}/received`)).json() as Promise<ReceivedPost[]>
  beforeAll(async () => {
    const started = await startProgram(['examples/outside.js'], { PORT: '0' }, /(http:\S+)/)
    url = started.said
    end = started.end
  })
  afterAll(() => end())
  beforeEach(async () => {
    await world.mood('fine')
    before = (await all()).length
  })
  const world: OutsideWorld = {
    get url() {
      return url
    },
    received: async (path) => (await all()).slice(before).filter((one) => path === undefined || one.path === path),
    mood: async (mood) => {
      await fetch(`${url}/mood`, { method: 'PUT', body: JSON.stringify(mood) })
    },
  }
  return world
}

export interface McpProgram {
  readonly url: string
  start(): Promise<void>
  end(): Promise<void>
}

/** The reference MCP server from npm, over Streamable HTTP, on a port that stays its own. */
export function useMcpProgram(): McpProgram {
  let port = 0
  let end: (() => Promise<void>) | undefined
  const program: McpProgram = {
    get url() {
      return `http://127.0.0.1:${port}/mcp`
    },
    start: async () => {
      const script = 'node_modules/@modelcontextprotocol/server-everything/dist/index.js'
      end = (await startProgram([script, 'streamableHttp'], { PORT: String(port) }, /(listening) on port/)).end
    },
    end: async () => {
      await end?.()
      end = undefined
    },
  }
  beforeAll(async () => {
    // It says nothing of a port that it chose itself; another program may take one that was free a moment ago.
    for (let tries = 1; ; tries++) {
      port = await freePort()
      try {
        return await program.start()
      } catch (error) {
        if (tries === 5) throw error
      }
    }
  })
  afterAll(() => program.end())
  return program
}

async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** @param ready what it prints once it can be used; its first group is given back */
async function startProgram(
  args: string[],
  env: Record<string, string>,
  ready: RegExp,
): Promise<{ said: string; end: () => Promise<void> }> {
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const exited = once(child, 'exit')
  const said = await new Promise<string>((resolve, reject) => {
    const read = (chunk: Buffer): void => {
      output += chunk.toString()
      const found = ready.exec(output)?.[1]
      if (found) resolve(found)
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    child.once('exit', (code) => reject(new Error(`it ended with ${code}:\n${output}`)))
  })
  return {
    said,
    end: async () => {
      child.kill('SIGKILL')
      await exited
    },
  }
}
