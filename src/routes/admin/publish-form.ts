import { z } from 'zod';
import { Refusal } from '../../errors.js';
import type { Texts } from '../../texts.js';
import { type PublishRequest, publishRequestSchema } from '../../versions/version.js';
import type { FieldFault } from '../pages/subscription-form.js';

/*
 * PURE. The publish form as data: from a form post to a request, from a refusal to sentences beside fields.
 */

const text = z.string().transform((typed) => typed.replace(/\r\n?/g, '\n').trim());

export const publishForm = z.object({
  /** Absent: the draft's. */
  message: text.optional(),
  effectiveAt: text.default(''),
  objectionDeadline: text.default(''),
  publishAt: text.default(''),
  /** Minutes; empty: those of the settings. */
  holdBackMinutes: text.default(''),
  /** A number of a version; empty: it is no correction. */
  corrects: text.default(''),
  notify: z.enum(['yes', 'no']).default('yes'),
  emergency: z
    .enum(['yes', 'true', 'false'])
    .transform((typed) => typed !== 'false')
    .default(false),
  reason: text.default(''),
  /** The draft that was looked at with what belongs to it, and the key that makes a double click one publication; set by the second page. */
  revision: z.union([z.literal('').transform(() => undefined), z.coerce.number().int()]).optional(),
  reviewed: z.string().max(100).default(''),
  key: z.string().max(100).default(''),
});
export type PublishForm = z.infer<typeof publishForm>;

/** A test to oneself: in which language, and from which page. */
export const testForm = z.object({
  locale: z.string().max(35).default(''),
  from: z.enum(['publish', 'plan', 'review']).catch('publish'),
});

/** An empty field is a field left out. Refuses `input.invalid` with the field's name. */
export function requestOf(form: PublishForm): PublishRequest {
  const given = (typed: string) => (typed === '' ? undefined : typed);
  const request = publishRequestSchema.safeParse({
    // Empty, it was emptied: then the draft's is not meant either.
    message: form.message,
    effectiveAt: given(form.effectiveAt),
    objectionDeadline: given(form.objectionDeadline),
    publishAt: given(form.publishAt),
    holdBackMinutes: /^\d{1,3}$/.test(form.holdBackMinutes) ? Number(form.holdBackMinutes) : undefined,
    notify: form.notify === 'no' ? false : undefined,
    emergency: form.emergency ? true : undefined,
    reason: given(form.reason),
    // What is no number is refused as one that names no version.
    corrects: form.corrects === '' ? undefined : Number(form.corrects),
  });
  if (request.success) return request.data;
  const errors = request.error.issues.map(({ path, message }) => ({ path: path.join('.'), message }));
  throw new Refusal('input.invalid', 'The form holds something that cannot be published.', errors);
}

/**
 * What was refused, as sentences at the fields; null for what no field can mend.
 * @param earliestDay the day that the form proposes, in words
 */
export function faultsOfPublish(refusal: Refusal, texts: Texts, earliestDay: string | null): FieldFault[] | null {
  const t = (key: string, values?: Record<string, string>) => texts.t(`console.${key}`, values);
  switch (refusal.code) {
    case 'date.too-early':
      return [
        {
          field: 'effectiveAt',
          message:
            earliestDay === null
              ? t('faults.effectiveTooEarlyPlain')
              : t('faults.effectiveTooEarly', { day: earliestDay }),
        },
      ];
    case 'input.invalid':
    case 'date.invalid':
    case 'date.in-past':
      return refusal.errors.map(({ path }) => ({
        field: path,
        message:
          path === 'corrects'
            ? texts.t('corrections.fault')
            : texts.has(`console.faults.${path}`)
              ? t(`faults.${path}`)
              : t('faults.datePast'),
      }));
    case 'version.not-correctable':
      return [{ field: 'corrects', message: texts.t('corrections.fault') }];
    case 'reason.missing':
      return [{ field: 'reason', message: t('faults.reason') }];
    case 'approval.missing':
      return [{ field: null, message: texts.t('approval.needed') }];
    case 'draft.stale':
      return [{ field: null, message: t('publish.changedMeanwhile') }];
    case 'version.scheduled-already':
      return [{ field: null, message: t('refusals.scheduledAlready') }];
    case 'version.unchanged':
      return [{ field: null, message: t('refusals.unchanged') }];
    default:
      return null;
  }
}
