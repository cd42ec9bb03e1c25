import { z } from 'zod';
import { type Fault, Refusal } from '../errors.js';

/** PURE. What a subscriber is beside an address, read as strictly from a form as from a file. */
export interface Details {
  /** Null: not stated. */
  company: string | null;
  locale: string;
  /** Null: every service. */
  services: string[] | null;
}

/** What a confirmation brings into force, and what proves later who asked for what (BGH I ZR 164/09). */
export const confirmDetail = z.object({
  company: z.string().nullable(),
  locale: z.string(),
  services: z.array(z.string()).nullable(),
  evidence: z.record(z.string(), z.json()),
});
export type ConfirmDetail = z.infer<typeof confirmDetail>;

export const toldOfChoices = ['all', 'material'] as const;
export type ToldOf = (typeof toldOfChoices)[number];

/** Who asked to be told, and who is to be told since their contract says so. */
export const subscriberKinds = ['voluntary', 'contractual'] as const;
export type SubscriberKind = (typeof subscriberKinds)[number];

const longestCompany = 200;
const longestEntitlement = 500;
const slug = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;
// Line breaks would end a header or a line of CSV, NUL ends text in PostgreSQL, and U+FFFE, U+FFFF
// and lone surrogates have no place in XML or UTF-8.
const unprintable = /[\p{Cc}\u2028\u2029\uFFFE\uFFFF\p{Surrogate}]/u;

/**
 * @returns the company in NFC without space around it; null when it is empty
 * @throws Refusal `input.invalid` with path `company`
 */
export function readCompany(text: string | undefined | null): string | null {
  return readText('company', text ?? '', longestCompany);
}

/**
 * @returns where the contract says that somebody is to be told, in one line; null when it is empty
 * @throws Refusal `input.invalid` with path `entitlement`
 */
export function readEntitlement(text: string | undefined | null): string | null {
  return readText('entitlement', text ?? '', longestEntitlement);
}

function readText(path: string, text: string, longest: number): string | null {
  const line = readLine(text, longest);
  if (line === null || typeof line === 'string') return line;
  throw refuse({ path, message: line.message });
}

/** One line in NFC without space around it; null when it is empty, else what is wrong with it. */
export function readLine(text: string, longest: number): string | null | { message: string } {
  const line = text.trim().normalize('NFC');
  if (line === '') return null;
  if (unprintable.test(line)) return { message: 'must be one line of text without control characters' };
  if ([...line].length > longest) return { message: `must not be longer than ${longest} characters` };
  return line;
}

/**
 * @param known ids of the services in the list in force; null while no list is published
 * @returns each id once, in order; null (every service) when nothing is chosen
 * @throws Refusal `input.invalid` with path `services`
 */
export function readServices(
  chosen: readonly string[] | undefined | null,
  known: readonly string[] | null,
): string[] | null {
  if (chosen === undefined || chosen === null || chosen.length === 0) return null;
  const services = [...new Set(chosen)].sort();
  const wrong = services.find((id) => (known === null ? !slug.test(id) || id.length > 100 : !known.includes(id)));
  if (wrong === undefined) return services;
  const choice =
    known === null ? 'use ids such as "community"' : known.length === 0 ? 'leave it out' : `use ${known.join(', ')}`;
  throw refuse({ path: 'services', message: `${JSON.stringify(wrong.slice(0, 50))} is not in the list; ${choice}` });
}

/** The locale that is offered for what was asked: `de-AT` gets `de`, anything unknown the default. */
export function settleLocale(
  texts: { locales: readonly string[]; negotiate(acceptLanguage: string | undefined): string },
  asked: string | undefined | null,
): string {
  if (asked === undefined || asked === null) return texts.negotiate(undefined);
  return texts.locales.includes(asked) ? asked : texts.negotiate(asked.slice(0, 40));
}

function refuse(fault: Fault): Refusal {
  return new Refusal('input.invalid', `${fault.path} ${fault.message}`, [fault]);
}
