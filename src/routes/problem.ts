import { STATUS_CODES } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { type Fault, Refusal, type RefusalCode } from '../errors.js';
import { areaOf } from './network.js';

/*
 * The one place that knows how a fault looks to a client: RFC 9457 problem+json for programs, a page for
 * people. Each refusal has its status here, and its sentence for people in locales/…/problems.json.
 */

/** Faults of a request that are none of a verb, and faults of ours. */
const faultStatus = {
  'request.malformed': 400,
  'page.missing': 404,
  'method.not-allowed': 405,
  'request.timeout': 408,
  'body.too-large': 413,
  'media-type.unsupported': 415,
  'header.too-large': 431,
  'service.fault': 500,
  'database.away': 503,
} as const;
export type FaultCode = keyof typeof faultStatus;

const refusalStatus = {
  'input.invalid': 400,
  'document.invalid': 422,
  'draft.missing': 404,
  'draft.stale': 412,
  'version.unchanged': 409,
  'approval.missing': 409,
  'change.missing': 404,
  'severity.too-low': 422,
  'version.missing': 404,
  'version.scheduled-already': 409,
  'version.not-scheduled': 404,
  'version.not-withdrawable': 409,
  'version.not-correctable': 409,
  'notice.not-waiting': 409,
  'date.too-early': 422,
  'date.in-past': 422,
  'date.invalid': 422,
  'reason.missing': 422,
  'idempotency.mismatch': 422,
  'address.invalid': 422,
  'token.unknown': 404,
  'token.expired': 410,
  'token.used': 410,
  'sub-processor.missing': 404,
  'subscriber.missing': 404,
  'group.missing': 404,
  'group.in-use': 409,
  'task.missing': 404,
  'delivery.missing': 404,
  'delivery.not-resendable': 409,
  'objection.closed': 409,
  'objection.missing': 404,
  'credentials.wrong': 401,
  'password.weak': 422,
  'code.wrong': 422,
  'factor.missing': 409,
  'enrolment.missing': 403,
  'account.missing': 404,
  'account.exists': 409,
  'account.disabled': 403,
  'account.last': 409,
  'account.unsure': 422,
  'account.own': 409,
  'invitation.missing': 404,
  'session.unknown': 404,
  'identity.unknown': 403,
  'identity.unverified': 403,
  'identity.taken': 403,
  'provider.refused': 403,
  'provider.away': 503,
  'bearer.missing': 401,
  'session.missing': 401,
  'permission.missing': 403,
  'csrf.wrong': 403,
  'rate.exceeded': 429,
  'csv.invalid': 422,
  'import.unreadable': 422,
  'subscriber-import.missing': 404,
  'import.missing': 404,
  'bounce.unreadable': 422,
  'setup.used': 410,
  'api-token.missing': 404,
} as const satisfies Record<RefusalCode, number>;

/** Every code that has a sentence in locales/…/problems.json. */
export const problemCodes: readonly string[] = Object.keys({ ...refusalStatus, ...faultStatus });

/** A fault as a client may see it: nothing of our insides. */
export interface Problem {
  code: RefusalCode | FaultCode;
  status: number;
  /** One English sentence; pages show that of the code in the reader's language instead. */
  detail: string;
  errors: readonly Fault[];
  /** Seconds; sent as Retry-After. */
  retryAfter: number | null;
  /** For 405. */
  allow?: readonly string[];
}

/** Sends the page of a problem, with its status; pages of one path may have their own (see `registerProblems`). */
export type ProblemPage = (request: FastifyRequest, reply: FastifyReply, problem: Problem) => unknown;

interface ValidationFault {
  validation: readonly { instancePath: string; message?: string | undefined }[];
  validationContext?: string | undefined;
}

/** What any thrown value is to a client. Whatever is not known is a fault of ours and says nothing. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Refusal) {
    const { code, message, errors, retryAfter } = error;
    return { code, status: refusalStatus[code], detail: message, errors, retryAfter };
  }
  if (hasZodFastifySchemaValidationErrors(error)) return ofValidation(error);
  if (isDatabaseAway(error)) {
    return fault('database.away', 'The database does not answer at the moment; try again shortly.', 5);
  }
  const { code, statusCode } = codesOf(error);
  if (code === 'FST_ERR_BAD_URL') return fault('request.malformed', 'The address cannot be read.');
  if (code.startsWith('FST_CSRF_')) return ofRefusal('csrf.wrong', 'The form is out of date; load it again.');
  switch (statusCode) {
    case 400:
      return fault('request.malformed', messageOf(error));
    case 404:
    // A part of the address is longer than any of ours.
    case 414:
      return fault('page.missing', 'There is nothing at this address.');
    case 408:
      return fault('request.timeout', 'The request took too long to arrive.');
    case 413:
      return fault('body.too-large', 'The body is larger than this address takes.');
    case 415:
      return fault('media-type.unsupported', 'This address does not take that Content-Type.');
    case 429:
      return ofRefusal('rate.exceeded', 'Too many requests; try again later.');
    case 431:
      return fault('header.too-large', 'The headers are larger than this service takes.');
    case 503:
      return fault('database.away', 'The service is busy; try again shortly.', 5);
    default:
      return fault('service.fault', 'Something went wrong on our side.');
  }
}

/** Answers an error: problem+json where a program asks, else the page. Faults of ours are logged. */
export function sendProblem(request: FastifyRequest, reply: FastifyReply, error: unknown, page: ProblemPage): unknown {
  const problem = problemOf(error);
  if (problem.status >= 500) request.log.error({ err: error }, 'a request failed');
  return answer(request, reply, problem, page);
}

/** As `sendProblem`, for what fails before there is a route: no hook has set the headers that protect a page. */
export function sendOutside(request: FastifyRequest, reply: FastifyReply, error: unknown, page: ProblemPage): unknown {
  reply.headers({
    'content-security-policy':
      "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
  });
  return sendProblem(request, reply, error, page);
}

/**
 * Makes every error and every unknown address of an app a problem. Call it before the routes are
 * registered: it notes them, to tell a wrong method (405) from a wrong address (404).
 */
export function registerProblems(app: FastifyInstance, page: ProblemPage): void {
  const routes: { pattern: RegExp; methods: string[] }[] = [];
  app.addHook('onRoute', ({ url, method }) => {
    routes.push({ pattern: patternOf(url), methods: [method].flat() });
  });
  app.setErrorHandler((error, request, reply) => sendProblem(request, reply, error, page));
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?')[0] ?? '/';
    const methods = routes.flatMap((route) => (route.pattern.test(path) ? route.methods : []));
    const problem: Problem =
      methods.length === 0 || methods.includes(request.method)
        ? fault('page.missing', 'There is nothing at this address.')
        : {
            ...fault('method.not-allowed', `This address does not take ${request.method}.`),
            allow: [...new Set(methods)].sort(),
          };
    return answer(request, reply, problem, page);
  });
}

/** Whether the answer is read by a program: what the path says, else what Accept asks for. */
export function isForPrograms(request: FastifyRequest): boolean {
  const path = request.url.split('?')[0] ?? '/';
  if (/^\/(api|healthz|readyz|metrics)(\/|$)/.test(path) || /\.(json|csv|atom|ics|xml)$/.test(path)) return true;
  const { accept = '' } = request.headers;
  return accept.includes('json') && !accept.includes('text/html');
}

/** Refusals that tell of somebody trying what they may not (ASVS 16.3). */
const guarded: ReadonlySet<Problem['code']> = new Set([
  'account.disabled',
  'bearer.missing',
  'code.wrong',
  'credentials.wrong',
  'csrf.wrong',
  'identity.taken',
  'identity.unknown',
  'permission.missing',
  'provider.refused',
  'rate.exceeded',
]);

/** Notes in the log what a guard has refused, and from which part of the network; nothing of what was sent. */
export function noteRefusal(request: FastifyRequest, code: Problem['code']): void {
  if (!guarded.has(code)) return;
  const { method, routeOptions } = request;
  request.log.warn({ code, method, route: routeOptions.url ?? 'none', from: areaOf(request.ip) }, 'refused');
}

function answer(request: FastifyRequest, reply: FastifyReply, problem: Problem, page: ProblemPage): unknown {
  noteRefusal(request, problem.code);
  if (problem.retryAfter !== null) reply.header('retry-after', problem.retryAfter);
  if (problem.allow !== undefined) reply.header('allow', problem.allow.join(', '));
  if (problem.code === 'bearer.missing') {
    const { takesPassword = false } = request.routeOptions.config;
    reply.header('www-authenticate', takesPassword ? 'Basic realm="reports", Bearer' : 'Bearer');
  }
  if (!isForPrograms(request)) return page(request, reply, problem);
  return reply
    .code(problem.status)
    .header('cache-control', 'no-store')
    .type('application/problem+json; charset=utf-8')
    .serializer((value: unknown) => JSON.stringify(value))
    .send({
      type: `urn:subnotice:problem:${problem.code}`,
      title: STATUS_CODES[problem.status] ?? 'Error',
      status: problem.status,
      code: problem.code,
      detail: problem.detail,
      // The path may hold what opens something; the id finds the request in the log.
      instance: `urn:uuid:${request.id}`,
      ...(problem.errors.length === 0 ? {} : { errors: problem.errors }),
    });
}

/** What the database or the way to it says when it is gone: not our fault, and over soon. */
export function isDatabaseAway(error: unknown): boolean {
  const { code } = codesOf(error);
  const message = messageOf(error);
  return (
    /^(ECONN(REFUSED|RESET)|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|EPIPE)$/.test(code) ||
    // Class 08: connection exceptions. 57P0x: shut down or starting. 53300: too many connections.
    /^(08\w{3}|57P0[1-5]|53300)$/.test(code) ||
    /^(timeout exceeded when trying to connect|Connection terminated|Client has encountered a connection error)/.test(
      message,
    )
  );
}

function ofValidation({ validation, validationContext }: ValidationFault): Problem {
  // An address whose parts are malformed names nothing.
  if (validationContext === 'params') return fault('page.missing', 'There is nothing at this address.');
  const where = validationContext === 'querystring' ? 'query' : 'body';
  const errors = validation.map(({ instancePath, message }): Fault => {
    return { path: instancePath.slice(1).replaceAll('/', '.'), message: message ?? 'is not valid' };
  });
  return { ...ofRefusal('input.invalid', `The ${where} does not have the form that this address takes.`), errors };
}

function ofRefusal(code: RefusalCode, detail: string): Problem {
  return { code, status: refusalStatus[code], detail, errors: [], retryAfter: null };
}

function fault(code: FaultCode, detail: string, retryAfter: number | null = null): Problem {
  return { code, status: faultStatus[code], detail, errors: [], retryAfter };
}

function codesOf(error: unknown): { code: string; statusCode: number } {
  if (typeof error !== 'object' || error === null) return { code: '', statusCode: 500 };
  return {
    code: 'code' in error && typeof error.code === 'string' ? error.code : '',
    statusCode: 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : 500,
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : '';
}

/** The addresses of a route as the router reads them: `:name` is one piece, `*` the rest. */
function patternOf(url: string): RegExp {
  const pattern = url
    .split(/(:\w+(?:\(.*?\))?|\*)/)
    .map((part) =>
      part.startsWith(':') ? '[^/]+' : part === '*' ? '.*' : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'),
    );
  return new RegExp(`^${pattern.join('')}/?$`);
}
