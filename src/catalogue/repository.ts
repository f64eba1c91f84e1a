import type { Db } from '../store/store.ts'

/** Which of these environments have a secret of one of these names; never its value. */
export function findSecretNames(
  db: Db,
  names: readonly string[],
  environments: readonly string[],
): Promise<{ name: string; environment: string }[]> {
  return db
    .selectFrom('secrets')
    .select(['name', 'environment'])
    .where('name', 'in', names)
    .where('environment', 'in', environments)
    .execute()
}
