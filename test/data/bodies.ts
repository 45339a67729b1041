import { defaultPolicy } from '../../lib/policy.ts'
import type { Type } from '../../lib/schema.ts'
import { authConfig } from '../../lib/schemas/auth.ts'
import { commitSchema } from '../../lib/schemas/commit.ts'
import { containerCreateSchema } from '../../lib/schemas/container-create.ts'
import { containerUpdateSchema } from '../../lib/schemas/container-update.ts'
import { execCreate } from '../../lib/schemas/exec-create.ts'
import { execStart } from '../../lib/schemas/exec-start.ts'
import { networkConnect } from '../../lib/schemas/network-connect.ts'
import { networkCreateSchema } from '../../lib/schemas/network-create.ts'
import { networkDisconnect } from '../../lib/schemas/network-disconnect.ts'
import { volumeCreate } from '../../lib/schemas/volume-create.ts'

/** The schema of each body that the engine's API defines (engine-api-fields.json), as the default policy has it. */
export const bodies: Readonly<Record<string, Type<unknown>>> = {
  'container-create': containerCreateSchema(defaultPolicy),
  'container-update': containerUpdateSchema(defaultPolicy),
  'exec-create': execCreate,
  'exec-start': execStart,
  'network-create': networkCreateSchema(),
  'network-connect': networkConnect,
  'network-disconnect': networkDisconnect,
  'volume-create': volumeCreate,
  commit: commitSchema(defaultPolicy),
  auth: authConfig,
}
