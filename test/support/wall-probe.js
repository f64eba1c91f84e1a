// What somebody could do who had broken out of the virtual machine: run behind the same wall, and says what it was refused.
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { lookup } from 'node:dns/promises'
import { Worker } from 'node:worker_threads'

const [port, file] = process.argv.slice(2)

process.permission.drop('fs.read')
process.permission.drop('worker')

const deeds = {
  'reads a file': () => readFileSync(file),
  'reads its own code': () => readFileSync(new URL(import.meta.url)),
  'writes a file': () => writeFileSync(file, 'x'),
  'starts a program': () => execFileSync('id'),
  'connects to a server': () => once(connect(Number(port), '127.0.0.1'), 'connect'),
  'asks for a name': () => lookup('localhost'),
  listens: () => once(createServer().listen(0), 'listening'),
  'starts a thread with other permissions': () => new Worker('', { eval: true, execArgv: ['--permission', '--allow-fs-read=*'] }),
  'loads a native library': () => process.dlopen({ exports: {} }, '/lib/x.node'),
  'makes code of text': () => Reflect.construct(Function, ['return 1'])(),
  'opens the inspector': async () => (await import('node:inspector')).open(0),
  'opens a database': async () => new (await import('node:sqlite')).DatabaseSync(file).exec('create table a (b)'),
  'writes a snapshot of its memory': async () => (await import('node:v8')).writeHeapSnapshot(`${file}.heapsnapshot`),
  'writes a report': () => process.report.writeReport(`${file}.json`),
  'reads settings': () => process.loadEnvFile(file),
  'talks to a server': () => fetch(`http://127.0.0.1:${port}`),
}

const done = []
for (const [deed, act] of Object.entries(deeds)) {
  try {
    await act()
    done.push(deed)
  } catch {}
}
console.log(JSON.stringify({ done, environment: process.env }))
process.exit()
