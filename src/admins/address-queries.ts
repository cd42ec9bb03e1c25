import { z } from 'zod';
import { type Db, maybeOne } from '../database/query.js';
import { sql } from '../database/sql.js';

const AddressRow = z.object({ id: z.number(), email: z.string(), emailKey: z.string() });

/** The address of one admin, by number or by the address as it is compared. */
export async function selectAddress(
  db: Db,
  admin: { id?: number; emailKey?: string },
): Promise<z.infer<typeof AddressRow> | null> {
  return maybeOne(
    db,
    AddressRow,
    sql`select id, email, email_key as "emailKey" from admins
      where id = ${admin.id ?? null}::bigint or email_key = ${admin.emailKey ?? null}::text`,
  );
}
