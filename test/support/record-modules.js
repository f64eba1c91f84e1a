// Loaded into a server with --import: when a thread ends, it writes down which modules it has loaded. Plain JavaScript, so that
// it loads nothing itself.
import { writeFileSync } from 'node:fs'
import module from 'node:module'
import { isMainThread } from 'node:worker_threads'

const loaded = []

module.registerHooks({
  load(url, context, loadNext) {
    if (!url.startsWith('node:')) loaded.push({ url, format: context.format })
    return loadNext(url, context)
  },
})

process.on('exit', () => {
  const builtin = process.moduleLoadList.map((name) => name.replace(/^.* /, ''))
  writeFileSync(`${process.env.RECORD_MODULES}/${isMainThread ? 'server' : 'writer'}.json`, JSON.stringify({ loaded, builtin }))
})
