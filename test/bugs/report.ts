import { z } from 'zod';
import type { Service } from '../support/process.js';
import { asAdmin } from './outside.js';

/* What the API tells admins of a run of mail. */

const reportSchema = z.object({
  counts: z.record(z.string(), z.number()),
  complete: z.boolean(),
  deliveries: z.array(
    z.looseObject({
      /** Null once the person was erased. */
      email: z.string().nullable(),
      state: z.string(),
      reason: z.string().nullable(),
      attempts: z.number(),
      response: z.string().nullable(),
      messageId: z.string().nullable(),
    }),
  ),
});
type Report = z.infer<typeof reportSchema>;

/** What became of the notice of a version; `limit` is how many of the recipients are listed. */
export async function reportOf(service: Service, version: number, limit = 1_000): Promise<Report> {
  const { body } = await asAdmin(service, `/api/v1/versions/${version}/deliveries?limit=${limit}`);
  return reportSchema.parse(JSON.parse(body));
}

const auditSchema = z.object({
  entries: z.array(
    z.object({
      at: z.coerce.date(),
      action: z.string(),
      subject: z.string(),
      detail: z.record(z.string(), z.unknown()),
    }),
  ),
});

/** Entries of the audit log, newest first. */
export async function auditOf(service: Service) {
  return auditSchema.parse(JSON.parse((await asAdmin(service, '/api/v1/audit?limit=1000')).body)).entries;
}

/** Addresses `person0@DOMAIN`, `person1@DOMAIN` … */
export function people(count: number, domain = 'example.org'): string[] {
  return Array.from({ length: count }, (_, index) => `person${index}@${domain}`);
}
