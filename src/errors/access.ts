import { defineError } from './catalogue.ts'
import { seconds } from './words.ts'

export const KeyMissing = defineError(
  'key_missing',
  401,
  'An API key is needed',
  () =>
    "This server answers only those who send an API key, in the header 'Authorization: Bearer as_…'. On its own machine `agent-studio key create` makes one.",
)

/** One for all that may be wrong with a key: what is wrong with it is nobody's business who does not have it. */
export const KeyInvalid = defineError(
  'key_invalid',
  401,
  'The API key is not valid',
  () =>
    'The key in the Authorization header is not accepted: it is unknown, has expired or was revoked. Whoever administers this server can make another.',
)

export const KeyInUrl = defineError(
  'key_in_url',
  400,
  'A key does not belong in an address',
  () =>
    "Addresses end up in logs and histories, so a key in one is never accepted. Send it in the header 'Authorization: Bearer as_…', and if it was a real one, revoke it and make another.",
)

export const TooManyFailedKeys = defineError(
  'too_many_failed_keys',
  429,
  'Too many wrong keys came from this address',
  (d: { retry_after: number }) =>
    `Too many keys from this address were wrong. Mend the key, or wait ${seconds(d.retry_after)} before the next try; right keys are accepted meanwhile.`,
)

export const ScopeMissing = defineError(
  'scope_missing',
  403,
  'The API key may not do this',
  (d: { scope: string }) => `This needs a key with the scope '${d.scope}', which the one that was sent does not have.`,
  ['scope'],
)

export const NameOutsideKey = defineError(
  'name_outside_key',
  403,
  'The API key is for deployments of other names',
  (d: { name: string; deployment_pattern: string }) =>
    `This key is for deployments named '${d.deployment_pattern}', and '${d.name}' is not one of them.`,
)

export const DraftOutsideKey = defineError(
  'draft_outside_key',
  403,
  'The API key is for deployments only',
  (d: { deployment_pattern: string }) =>
    `This key is for deployments named '${d.deployment_pattern}', and a draft has no name. Deploy the workflow under such a name, or use a key for all names.`,
)

export const DraftInProtectedEnvironment = defineError(
  'draft_in_protected_environment',
  403,
  'The environment runs no drafts',
  (d: { environment: string }) => `'${d.environment}' is protected, so drafts do not run there. Run the draft in another environment.`,
)

export const KeyNotFound = defineError(
  'key_not_found',
  404,
  'There is no such API key',
  (d: { key_id: string }) => `No API key has the id '${d.key_id}'. GET /api/keys lists them.`,
)

export const KeyExceedsCreator = defineError(
  'key_exceeds_creator',
  403,
  'A key cannot make one that may do more',
  (d: { field: string; limit: string }) =>
    `The key that was sent cannot make one with more than it has itself: '${d.field}' may be no more than ${d.limit}. Leave it out to give the same.`,
)

export const NoAdminKey = defineError(
  'no_admin_key',
  409,
  'Nobody could administer the server',
  () =>
    "From the first key on every request needs one, and no key would be left that may manage keys. First make a key with the scope 'admin', for all environments and names.",
)

export const LastAdminKey = defineError(
  'last_admin_key',
  409,
  'It is the last key that can administer the server',
  (d: { key_id: string }) =>
    `Without '${d.key_id}' no key would be left that may manage keys. Make another one with the scope 'admin' first, or revoke it on the server's machine, with \`agent-studio key revoke\`.`,
)

export const LastKey = defineError(
  'last_key',
  409,
  'It is the last key',
  (d: { key_id: string }) =>
    `Without '${d.key_id}' there would be no key, and whoever reaches the server from its own machine could do everything. Make another one first.`,
)

export const SecretShownOnce = defineError(
  'secret_shown_once',
  409,
  'A secret is shown only once',
  (d: { made: string; id: string }) =>
    `The request of this Idempotency-Key has made ${d.made} '${d.id}' already, and its secret was in the first answer alone. If that is lost, remove '${d.id}' and make another with a new Idempotency-Key.`,
)
