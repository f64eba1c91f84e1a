import type { Call } from '../frame/call.ts'
import { CommandFailed, EXIT, wrongCall } from '../frame/exit.ts'
import { nearest } from '../frame/suggest.ts'
import {
  configPath,
  readConfigFile,
  readCredentials,
  writeConfigFile,
  writeCredentials,
  type ConfigFile,
  type Profile,
} from '../settings/files.ts'
import { readStdin } from './inputs.ts'

interface ListedProfile extends Profile {
  name: string
  in_use: boolean
  key: boolean
}

export async function listProfiles(call: Call): Promise<void> {
  const config = readConfigFile()
  const keys = readCredentials()
  const rows = Object.entries(config.profiles).map(([name, profile]): ListedProfile => ({
    name,
    in_use: name === config.profile,
    ...profile,
    key: Object.hasOwn(keys, name),
  }))
  await call.show.list(rows, {
    columns: [
      { title: '', value: ({ in_use }) => (in_use ? '*' : '') },
      { title: 'name', value: ({ name }) => name },
      { title: 'url', value: ({ url }) => url },
      { title: 'environment', value: ({ environment }) => environment },
      { title: 'output', value: ({ output }) => output },
      { title: 'key', value: ({ key }) => (key ? 'kept' : null) },
    ],
    name: ({ name }) => name,
    nothing: `There are no profiles in ${configPath()}. 'agent-studio profile set local --url http://localhost:8000' makes one.`,
  })
}

export async function useProfile(call: Call): Promise<void> {
  const config = readConfigFile()
  const name = known(config, call.needed('name'))
  writeConfigFile({ ...config, profile: name })
  await call.show.done({ profile: name }, `From now on '${name}' is used.`, name)
}

export async function setProfile(call: Call): Promise<void> {
  const name = call.needed('name')
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name))
    throw wrongCall(`'${name}' is no name of a profile: letters, digits, dots, underscores and hyphens.`)
  const config = readConfigFile()
  const isFirst = Object.keys(config.profiles).length === 0
  const [url, environment, output] = [call.option('url'), call.option('environment'), call.option('output')]
  if (url !== undefined && !/^https?:\/\/[^/@]+(\/.*)?$/.test(url))
    throw wrongCall(`'${url}' is no address of a server.`, 'Write it like http://localhost:8000.')
  const before = config.profiles[name]
  const profile: Profile = {
    ...before,
    ...(url !== undefined && { url }),
    ...(environment !== undefined && { environment }),
    ...(output !== undefined && { output }),
  }
  const keys = readCredentials()
  const key = call.flag('key-stdin') ? (await readStdin('The key')).trim() : undefined
  if (key !== undefined && !/^as_[0-9A-Za-z]+_[0-9A-Za-z]+$/.test(key))
    throw wrongCall('What came in is no API key, which begins with as_.')
  // A key is for one server: with another address the old one is not kept for it.
  const moved = before !== undefined && url !== undefined && before.url !== url
  if (key !== undefined) writeCredentials({ ...keys, [name]: key })
  else if (moved && Object.hasOwn(keys, name)) {
    writeCredentials(Object.fromEntries(Object.entries(keys).filter(([one]) => one !== name)))
    call.terminal.warn(`The key of '${name}' was for ${before.url}, so it was forgotten. Give one for ${url} with --key-stdin.`)
  }
  writeConfigFile({ ...config, ...(isFirst && { profile: name }), profiles: { ...config.profiles, [name]: profile } })
  await call.show.done(
    { name, ...profile, key: key !== undefined },
    `Kept '${name}' in ${configPath()}${isFirst ? ', and it is used from now on' : ''}.`,
    name,
  )
}

export async function deleteProfile(call: Call): Promise<void> {
  const config = readConfigFile()
  const name = known(config, call.needed('name'))
  const { [name]: _gone, ...profiles } = config.profiles
  const { [name]: key, ...keys } = readCredentials()
  if (key !== undefined) writeCredentials(keys)
  writeConfigFile({ ...(config.profile !== undefined && config.profile !== name && { profile: config.profile }), profiles })
  await call.show.done({ name }, `Deleted '${name}'${key === undefined ? '' : ' and its key'}.`, name)
}

function known({ profiles }: ConfigFile, name: string): string {
  if (Object.hasOwn(profiles, name)) return name
  const guess = nearest(name, Object.keys(profiles))
  throw new CommandFailed(EXIT.notFound, 'profile_not_found', `There is no profile '${name}' in ${configPath()}.`, {
    next: guess === undefined ? `'agent-studio profile list' shows what there is.` : `Did you mean '${guess}'?`,
  })
}
