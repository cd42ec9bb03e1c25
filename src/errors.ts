/**
 * What a caller did wrong, or what the state of things forbids: a closed set of codes.
 * `routes/problem.ts` maps every code to an HTTP status and `cli/` to an exit code, so a new
 * code does not compile until both know it. Everything that is not a Refusal is a fault of ours
 * or of the world, is logged with context, and answered with 500 or 503.
 */
export const refusalCodes = [
  'input.invalid',
  'document.invalid',
  'draft.missing',
  'draft.stale',
  'version.unchanged',
  'approval.missing',
  'change.missing',
  'severity.too-low',
  'version.missing',
  'version.scheduled-already',
  'version.not-scheduled',
  'version.not-withdrawable',
  'version.not-correctable',
  'notice.not-waiting',
  'date.too-early',
  'date.in-past',
  'date.invalid',
  'reason.missing',
  'idempotency.mismatch',
  'address.invalid',
  'token.unknown',
  'token.expired',
  'token.used',
  'sub-processor.missing',
  'subscriber.missing',
  'group.missing',
  'group.in-use',
  'task.missing',
  'delivery.missing',
  'delivery.not-resendable',
  'objection.closed',
  'objection.missing',
  'credentials.wrong',
  'password.weak',
  'code.wrong',
  'factor.missing',
  'enrolment.missing',
  'account.missing',
  'account.exists',
  'account.disabled',
  'account.last',
  'account.unsure',
  'account.own',
  'invitation.missing',
  'session.unknown',
  'identity.unknown',
  'identity.unverified',
  'identity.taken',
  'provider.refused',
  'provider.away',
  'bearer.missing',
  'session.missing',
  'permission.missing',
  'csrf.wrong',
  'rate.exceeded',
  'csv.invalid',
  'import.unreadable',
  'subscriber-import.missing',
  'import.missing',
  'bounce.unreadable',
  'setup.used',
  'api-token.missing',
] as const;

export type RefusalCode = (typeof refusalCodes)[number];

/** One fault of an input: where it is, what is wrong, and how to mend it (one sentence each). */
export interface Fault {
  /** Dotted path into the input, such as `subProcessors.3.website`; empty for the whole. */
  path: string;
  message: string;
  /** 1-based line of the source text, where the input was YAML or CSV. */
  line?: number | undefined;
}

/** A refusal: nothing was changed. `errors` names each field at fault. */
export class Refusal extends Error {
  readonly code: RefusalCode;
  readonly errors: readonly Fault[];
  /** Seconds after which the same may be tried again, where waiting helps. */
  readonly retryAfter: number | null;

  constructor(code: RefusalCode, message: string, errors: readonly Fault[] = [], retryAfter: number | null = null) {
    super(message);
    this.name = 'Refusal';
    this.code = code;
    this.errors = errors;
    this.retryAfter = retryAfter;
  }
}

/**
 * What stops the service or a command and the operator can mend: a setting, a port in use, a database
 * that does not answer. Shown as one line a fault, without a stack.
 */
export class OperatorError extends Error {
  readonly faults: readonly string[];

  constructor(...faults: string[]) {
    super(faults.join('\n'));
    this.name = 'OperatorError';
    this.faults = faults;
  }
}
