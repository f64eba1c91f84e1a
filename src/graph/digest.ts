import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'

/** The RFC 8785 form: the same content has one text, however its keys are ordered. */
export function canonicalForm(value: object): string {
  return canonicalize(value)!
}

/** SHA-256 in hexadecimal. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** The digest of a release: of the canonical form of both parts, made from the canonical form of each. */
export function releaseDigest(canonicalDefinition: string, runtimeConfig: object): string {
  return sha256(`{"definition":${canonicalDefinition},"runtime_config":${canonicalForm(runtimeConfig)}}`)
}
