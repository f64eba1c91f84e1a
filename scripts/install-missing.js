// Runs before `npm start` and `npm test`, under whatever Node the machine has, so it is plain JavaScript without imports
// from node_modules. It installs what package-lock.json asks for when that is not what node_modules holds.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const lockfile = readFileSync(join(root, 'package-lock.json'), 'utf8')
// What was installed is remembered by content, not by time: a checkout sets new times on old files.
const marker = join(root, 'node_modules', '.installed-lockfile')

if (!existsSync(marker) || readFileSync(marker, 'utf8') !== lockfile) {
  console.log('Installing what is missing; this happens once …')
  // `npm install` and not `npm ci`: the latter fails on optional packages of other platforms in the lockfile.
  const npm = process.env.npm_execpath
  const [command, args] = npm ? [process.execPath, [npm]] : ['npm', []]
  const result = spawnSync(command, [...args, 'install', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: !npm && process.platform === 'win32',
  })
  if (result.status !== 0) {
    console.error('The installation failed. Is the npm registry reachable? Try `npm install` to see more.')
    process.exit(1)
  }
  writeFileSync(marker, readFileSync(join(root, 'package-lock.json'), 'utf8'))
}
