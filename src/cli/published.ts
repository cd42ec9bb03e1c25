import type { z } from 'zod';
import type { approvalSchema } from '../routes/api/approval.js';
import type { publishedSchema, scheduledJsonSchema } from '../routes/api/wire.js';

/** What publishing answers, wherever it is done: published, or planned for later. */
export type Published =
  | { status: 201; version: z.infer<typeof publishedSchema> }
  | { status: 202; scheduled: z.infer<typeof scheduledJsonSchema> };

/** How the approval of the draft stands. */
export type ApprovalAnswer = z.infer<typeof approvalSchema>;
