/*
 * PURE. What a look at deliverability says: for each check a state, what was found, and by its code the
 * sentences of templates/locales/…/deliverability.json (what it means, what to do).
 */

/** In the order in which they are shown. */
export const checks = [
  'from',
  'spf',
  'dkim',
  'dmarc',
  'mail-domain',
  'reply',
  'bounces',
  'public-url',
  'one-click',
  'relay',
] as const;
export type Check = (typeof checks)[number];

/** `unknown`: it cannot be told from here, which is no fault; a name server that is silent proves nothing. */
export const findingStates = ['ok', 'warning', 'fault', 'unknown'] as const;
export type FindingState = (typeof findingStates)[number];

export interface Finding {
  check: Check;
  state: FindingState;
  /** Which of the check's sentences tells it, such as `missing`. */
  code: string;
  /** What the sentences name; may hold what others have published. */
  facts: Readonly<Record<string, string | number | Date>>;
}

/** A finding without its check, as the part that judges gives it. */
export type Judgement = Omit<Finding, 'check'>;

const longestFact = 500;

/** What others have published, cut to what a page can show. */
export function published(text: string): string {
  return text.length > longestFact ? `${text.slice(0, longestFact)}…` : text;
}
