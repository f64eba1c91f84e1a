import { noLimits, type KeyLimits } from '../limits/rate.ts'
import { matchesPattern } from './name-pattern.ts'

/** What a key may do. Each route names the one that it needs; `admin` includes all others. */
export const SCOPES = ['workflow:read', 'workflow:write', 'deploy', 'execute', 'execution:read', 'approve', 'secrets', 'admin'] as const
export type Scope = (typeof SCOPES)[number]

/** Who sent a request, and what they may do and see. Every request has one; where no key is needed it is `everybody`. */
export interface Caller {
  /** The public part of the API key; empty where none is needed. */
  key_id: string
  /** The key's name, for people; null where none is needed. */
  name: string | null
  scopes: ReadonlySet<Scope>
  /** Null for all of them. */
  environments: ReadonlySet<string> | null
  /** Of deployment names, with `*` for any characters; null for all of them. */
  deployment_pattern: string | null
  /** What they may take of the server. */
  limits: KeyLimits
}

/** On a server on loopback without keys everything is open. */
export const everybody: Caller = {
  key_id: '',
  name: null,
  scopes: new Set(SCOPES),
  environments: null,
  deployment_pattern: null,
  limits: noLimits,
}

/** Who asks for what needs no key. */
export const nobody: Caller = { ...everybody, scopes: new Set() }

export function holds({ scopes }: Pick<Caller, 'scopes'>, scope: Scope): boolean {
  return scopes.has(scope) || scopes.has('admin')
}

/**
 * What somebody can see of what belongs to environments. Whatever lies outside of it is for them as if it did not exist, in
 * every look-up, list and message.
 */
export type Reach = Pick<Caller, 'environments' | 'deployment_pattern'>

/** What the server itself sees. */
export const everywhere: Reach = { environments: null, deployment_pattern: null }

/** The environments of the server that there are for them, in look-up order. For one that is named outright, too. */
export function environmentsWithin({ environments }: Reach, all: readonly string[]): readonly string[] {
  return environments === null ? all : all.filter((one) => environments.has(one))
}

export function reachesName({ deployment_pattern }: Reach, name: string): boolean {
  return deployment_pattern === null || matchesPattern(deployment_pattern, name)
}

export function reaches(reach: Reach, environment: string, name: string): boolean {
  return (reach.environments === null || reach.environments.has(environment)) && reachesName(reach, name)
}

export function isLimited({ environments, deployment_pattern }: Reach): boolean {
  return environments !== null || deployment_pattern !== null
}
