import { z } from 'zod';
import type { Deps } from '../../deps.js';
import type { Refusal } from '../../errors.js';
import { parseAddress } from '../../mail/address.js';
import type { Texts } from '../../texts.js';
import { readBoard } from '../../versions/read.js';

/*
 * The form of /subscribe as data: what was typed, what is wrong with it, what can be chosen.
 */

export interface SubscriptionForm {
  values: { email: string; company: string; locale: string; services: string[] };
  errors: FieldFault[];
  /** Empty when the list names no services: the field is then left out. */
  services: { id: string; name: string }[];
  /** Whom to write to about one's data. */
  contact: string;
}

/** A sentence beside a field; `field` is the id of its input, null for the form as a whole. */
export interface FieldFault {
  field: string | null;
  message: string;
}

const once = z.string({ error: 'repeated' });

/** A form post: each field as the browser sends it. A field that comes twice is no text any more. */
export const subscriptionPost = z.object({
  email: z
    .string({ error: ({ input }) => (input === undefined ? 'missing' : 'repeated') })
    .trim()
    .min(1, 'missing')
    .refine((typed) => typed === '' || parseAddress(typed) !== null, 'invalid'),
  company: once.optional(),
  locale: once.optional(),
  services: z
    .union([z.string(), z.array(z.string())])
    .transform((chosen) => [chosen].flat())
    .optional(),
  // The trap: people do not see it and leave it empty.
  reference: z.unknown().optional(),
});

/** What the form shows when nothing was typed yet. */
export async function emptyForm(deps: Pick<Deps, 'db' | 'now' | 'config'>): Promise<SubscriptionForm> {
  return {
    values: { email: '', company: '', locale: '', services: [] },
    errors: [],
    services: await servicesOf(deps),
    contact: deps.config.mailReplyTo ?? deps.config.mailFrom.address,
  };
}

/** The services that subscribers can choose: those of the list in force, else of the one announced. */
export async function servicesOf(deps: Pick<Deps, 'db' | 'now'>): Promise<{ id: string; name: string }[]> {
  const board = await readBoard(deps.db, deps.now());
  return (board.inForce ?? board.latest)?.document.services ?? [];
}

/** Their ids; null while no list is published, when any may turn out to be right. */
export async function knownServicesOf(deps: Pick<Deps, 'db' | 'now'>): Promise<string[] | null> {
  const board = await readBoard(deps.db, deps.now());
  const document = (board.inForce ?? board.latest)?.document;
  return document === undefined ? null : (document.services ?? []).map(({ id }) => id);
}

/** What was typed, kept for the form that is shown again, whatever it was. */
export function typedValues(body: unknown): SubscriptionForm['values'] {
  const typed = z.record(z.string(), z.unknown()).catch({}).parse(body);
  const text = (value: unknown) => (typeof value === 'string' ? value.slice(0, 2_000) : '');
  return {
    email: text(Array.isArray(typed.email) ? typed.email[0] : typed.email),
    company: text(typed.company),
    locale: text(typed.locale),
    services: [typed.services].flat().filter((id) => typeof id === 'string'),
  };
}

/** Sentences for the faults that zod found in a form post. */
export function faultsOfPost(
  issues: readonly z.core.$ZodIssue[],
  typed: { email: string },
  texts: Texts,
): FieldFault[] {
  // Whatever is no form at all lacks the one thing that is needed.
  const fields = new Map(
    issues.map(({ path: [field], message }) => (field === undefined ? ['email', 'missing'] : [String(field), message])),
  );
  return [...fields].map(([field, message]) => sentence(field, message, typed.email, texts));
}

/** Sentences for what the verb refused; null when it was about something else than the form. */
export function faultsOfRefusal(refusal: Refusal, typed: { email: string }, texts: Texts): FieldFault[] | null {
  if (refusal.code === 'address.invalid') return [sentence('email', 'invalid', typed.email, texts)];
  if (refusal.code !== 'input.invalid' || refusal.errors.length === 0) return null;
  return refusal.errors.map(({ path }) => sentence(path.split('.')[0] ?? '', 'invalid', typed.email, texts));
}

function sentence(field: string, code: string, typedEmail: string, texts: Texts): FieldFault {
  const key = field === 'email' ? `subscription.faults.email.${code}` : `subscription.faults.${field}`;
  return { field, message: texts.t(key, { typed: typedEmail.slice(0, 100) }) };
}
