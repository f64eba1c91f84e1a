import { defineError } from './catalogue.ts'
import { quoted } from './words.ts'

export const SecretsNotConfigured = defineError(
  'secrets_not_configured',
  503,
  'The server has no key for secrets',
  () =>
    'Secrets are encrypted with a key of yours, and this server was given none. Make one with `agent-studio secret keygen <file>`, set AGENT_STUDIO_SECRET_KEY_FILE to that file, and start the server again.',
)

export const SecretKeyUnusable = defineError(
  'secret_key_unusable',
  503,
  'The key file of secrets cannot be used',
  (d: { reason: string }) =>
    `The file that AGENT_STUDIO_SECRET_KEY_FILE names ${d.reason}. Nothing was changed. Mend the file; the server reads it again by itself.`,
)

export const SecretNotFound = defineError(
  'secret_not_found',
  404,
  'There is no such secret',
  (d: { environment: string; name: string }) => `Environment '${d.environment}' has no secret '${d.name}'. GET /api/secrets lists them.`,
)

export const VariableNotFound = defineError(
  'variable_not_found',
  404,
  'There is no such variable',
  (d: { environment: string; name: string }) =>
    `Environment '${d.environment}' has no variable '${d.name}'. GET /api/variables lists them.`,
)

interface StillUsed {
  environment: string
  name: string
  deployments: { deployment_name: string; environment: string }[]
}

const named = (deployments: StillUsed['deployments']) => quoted(deployments.map((one) => one.deployment_name))

export const SecretInUse = defineError(
  'secret_in_use',
  409,
  'Active deployments use the secret',
  (d: StillUsed) =>
    `Secret '${d.name}' of '${d.environment}' is used by ${named(d.deployments)}. Deploy them without it first, or delete it all the same with ?force=true; what needs it then fails.`,
  ['deployments'],
)

export const VariableInUse = defineError(
  'variable_in_use',
  409,
  'Active deployments use the variable',
  (d: StillUsed) =>
    `Variable '${d.name}' of '${d.environment}' is used by ${named(d.deployments)}. Deploy them without it first, or delete it all the same with ?force=true; what needs it then fails.`,
  ['deployments'],
)

export const EnvironmentFull = defineError(
  'environment_full',
  409,
  'The environment has no room for more',
  (d: { environment: string; what: string; most: string }) =>
    `Environment '${d.environment}' has room for ${d.most} of ${d.what}, and this would be more. Delete what nobody uses any more.`,
)
