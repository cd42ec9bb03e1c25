import { setTimeout as pause } from 'node:timers/promises';
import type { z } from 'zod';
import { OperatorError, Refusal, refusalCodes } from '../errors.js';
import { problemSchema } from '../routes/api/wire.js';
import { faultOfNetwork } from './network-faults.js';

/*
 * The service's API as the command line uses it. The token goes to the address that was named and to no
 * other: redirects are told of, not followed.
 */

export interface Call {
  method: 'GET' | 'PUT' | 'POST';
  /** Below the service's address, such as `/api/v1/plan`. */
  path: string;
  headers?: Readonly<Record<string, string>>;
  body?: string | FormData | ReadableStream<Uint8Array>;
  /** Doing it twice is doing it once, so that what failed on the way is tried again. */
  repeatable: boolean;
  /** How long the answer may take, in milliseconds; else that of the client. */
  patience?: number;
}

export interface Api {
  url: string;
  /** The answer as `schema` reads it, and its headers. */
  json<T>(call: Call, schema: z.ZodType<T>): Promise<{ value: T; headers: Headers }>;
  text(call: Call): Promise<{ value: string; headers: Headers }>;
  /** The answer as it arrives: memory does not grow with it. */
  parts(call: Call): AsyncIterable<string>;
}

export interface ApiOptions {
  url: string;
  token: string;
  /** Milliseconds until an answer is there. */
  patience?: number;
  /** How long to wait before each further try. */
  pauses?: readonly number[];
}

/**
 * A client of a running service. What the service refuses is thrown as the same Refusal; what stands between
 * (no answer, a wrong token, another program at that address) as an OperatorError that says what to do.
 */
export function createApi({ url, token, patience = 60_000, pauses = [250, 1_000, 3_000] }: ApiOptions): Api {
  const send = async (call: Call): Promise<{ response: Response; settled: () => void }> => {
    const abort = new AbortController();
    const limit = call.patience ?? patience;
    const timer = setTimeout(() => abort.abort(new DOMException('too late', 'TimeoutError')), limit);
    const settled = () => clearTimeout(timer);
    try {
      const response = await fetch(`${url}${call.path}`, {
        method: call.method,
        headers: {
          accept: 'application/json',
          'user-agent': 'subnotice',
          ...call.headers,
          authorization: `Bearer ${token}`,
        },
        redirect: 'manual',
        signal: abort.signal,
        ...(call.body === undefined ? {} : { body: call.body }),
        ...(call.body instanceof ReadableStream ? { duplex: 'half' } : {}),
      });
      return { response, settled };
    } catch (error) {
      settled();
      throw new Unreached(faultOfNetwork(url, error, limit));
    }
  };

  const once = async (call: Call): Promise<{ value: string; headers: Headers }> => {
    const { response, settled } = await send(call);
    try {
      if (!response.ok) throw await refusalOf(response, call, url);
      return { value: await response.text(), headers: response.headers };
    } catch (error) {
      throw isKnown(error) ? error : new Unreached(faultOfNetwork(url, error, call.patience ?? patience));
    } finally {
      settled();
    }
  };

  const text = async (call: Call) => {
    for (const wait of call.repeatable ? pauses : []) {
      try {
        return await once(call);
      } catch (error) {
        if (!(error instanceof Unreached) || !error.passing) throw error;
        await pause(wait);
      }
    }
    return once(call);
  };

  return {
    url,
    text,
    async json(call, schema) {
      const { value, headers } = await text(call);
      const parsed = schema.safeParse(jsonOf(value));
      if (!parsed.success) throw notOurs(url, `its answer to ${call.method} ${call.path} has another form`);
      return { value: parsed.data, headers };
    },
    async *parts(call) {
      const { response, settled } = await send(call);
      try {
        if (!response.ok) throw await refusalOf(response, call, url);
        if (call.headers?.accept !== undefined && !typeOf(response).startsWith(call.headers.accept)) {
          throw notOurs(url, `${call.path} is ${typeOf(response) || 'of no type'} there`);
        }
        // From here on it flows; how long it takes as a whole nobody knows.
        settled();
        const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
        for await (const chunk of response.body ?? []) yield decoder.decode(chunk, { stream: true });
        yield decoder.decode();
      } catch (error) {
        throw isKnown(error) ? error : new Unreached(faultOfNetwork(url, error, call.patience ?? patience));
      } finally {
        settled();
      }
    },
  };
}

/** No answer, or one of what stands in front of the service. */
class Unreached extends OperatorError {
  override readonly name = 'Unreached';
  /** It may be over in a moment. */
  readonly passing: boolean;

  constructor({ sentence, passing }: { sentence: string; passing: boolean }) {
    super(sentence);
    this.passing = passing;
  }
}

function isKnown(error: unknown): boolean {
  return error instanceof OperatorError || error instanceof Refusal;
}

/** What an answer that is no success means to somebody at a shell. */
async function refusalOf(response: Response, { method, path }: Call, url: string): Promise<Error> {
  const { status, headers } = response;
  if (status < 400) return redirected(response, url);
  const problem = problemSchema.safeParse(jsonOf(await response.text()));
  const ours = problem.success && problem.data.type.startsWith('urn:subnotice:problem:') ? problem.data : null;
  if (ours === null) {
    if ([502, 503, 504].includes(status)) {
      return new Unreached({
        sentence: `${url}: what stands in front of the service answers ${status}; is the service running?`,
        passing: true,
      });
    }
    return notOurs(url, `it answers ${status} to ${method} ${path}`);
  }
  const { code, detail, errors = [] } = ours;
  switch (code) {
    case 'bearer.missing':
      return new OperatorError(
        `${url}: the token is not valid here: it is unknown, expired or revoked; make one by "subnotice token create" or in the console`,
      );
    case 'permission.missing':
      return new OperatorError(`${url}: the token may not do this: ${detail}`);
    case 'rate.exceeded':
      return new OperatorError(`${url}: ${detail}${waitOf(headers)}`);
    case 'page.missing':
    case 'method.not-allowed':
      return new OperatorError(
        `${url}: the service has no ${method} ${path}; it seems to be older than this command line`,
      );
    default:
  }
  const known = refusalCodes.find((one) => one === code);
  if (known !== undefined) return new Refusal(known, detail, errors);
  return new Unreached({ sentence: `${url}: ${detail} (${status} ${code})`, passing: status === 503 });
}

function waitOf(headers: Headers): string {
  const seconds = headers.get('retry-after');
  return seconds !== null && /^\d{1,6}$/.test(seconds) ? ` Try again in ${seconds} seconds.` : '';
}

/** Only where it leads is shown, since what follows a "?" may be a secret. */
function redirected({ status, headers }: Response, url: string): OperatorError {
  const location = headers.get('location') ?? '';
  const to = URL.canParse(location, url) ? new URL(location, url) : null;
  const where = to === null ? 'elsewhere' : `to ${to.origin}${to.pathname}`;
  return new OperatorError(
    `${url}: answers ${status} and leads ${where}; the token was not sent there. Name the address that the service itself has, its PUBLIC_URL`,
  );
}

function notOurs(url: string, because: string): OperatorError {
  return new OperatorError(
    `${url}: this does not answer as the service does (${because}); name its PUBLIC_URL, with the path if it has one`,
  );
}

function typeOf(response: Response): string {
  return response.headers.get('content-type') ?? '';
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
