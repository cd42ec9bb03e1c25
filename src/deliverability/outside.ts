import { Resolver } from 'node:dns/promises';

/*
 * What the check asks of the world: name servers, and our own public address. Whatever is silent is
 * `unknown`: only an answer can be a fault.
 */

export type Answer<T> = { kind: 'found'; records: T[] } | { kind: 'none' } | { kind: 'unknown'; because: string };

export interface MailExchange {
  /** Empty for the "null MX" of RFC 7505. */
  exchange: string;
  priority: number;
}

export type PostAnswer =
  | { kind: 'answered'; status: number; header: (name: string) => string | null }
  /** `because`: a code such as `ECONNREFUSED`, `CERT_HAS_EXPIRED` or `timeout`. */
  | { kind: 'failed'; because: string };

export interface Outside {
  /** TXT records, the strings of each joined. */
  txt(name: string): Promise<Answer<string>>;
  mx(name: string): Promise<Answer<MailExchange>>;
  /** Addresses of either family. */
  addresses(name: string): Promise<Answer<string>>;
  /** Sends a form without following a redirect. */
  post(url: string, form: Readonly<Record<string, string>>): Promise<PostAnswer>;
}

const longestLookUp = 3_000;
const longestPost = 5_000;

/**
 * The world as it is: name servers, and HTTP.
 * @param options `servers`: other name servers than those of this machine; `timeoutMs`: how long one look-up may take
 */
export function createOutside(options: { servers?: readonly string[]; timeoutMs?: number } = {}): Outside {
  /** Only a name server that knows the root of all names may say that there is none. */
  const ask = async <T>(question: (resolver: Resolver) => Promise<T[]>): Promise<Answer<T>> => {
    const answer = await look(question, options);
    if (answer.kind !== 'none') return answer;
    const root = await look((resolver) => resolver.resolveNs('.'), options);
    return root.kind === 'found' ? answer : { kind: 'unknown', because: 'ISOLATED' };
  };
  return {
    txt: (name) => ask((resolver) => resolver.resolveTxt(name).then((found) => found.map((parts) => parts.join('')))),
    mx: (name) => ask((resolver) => resolver.resolveMx(name)),
    async addresses(name) {
      const [four, six] = await Promise.all([
        ask((resolver) => resolver.resolve4(name)),
        ask((resolver) => resolver.resolve6(name)),
      ]);
      if (four.kind === 'found' || six.kind === 'found') {
        return { kind: 'found', records: [four, six].flatMap((one) => (one.kind === 'found' ? one.records : [])) };
      }
      return four.kind === 'unknown' ? four : six;
    },
    post: (url, form) => post(url, form),
  };
}

/**
 * NXDOMAIN, and a name without records of that type. In a closed network, such as that of a build, there are
 * name servers that say so of everything.
 */
const saysNone: ReadonlySet<string> = new Set(['ENOTFOUND', 'ENODATA']);

async function look<T>(
  question: (resolver: Resolver) => Promise<T[]>,
  { servers, timeoutMs = longestLookUp }: { servers?: readonly string[]; timeoutMs?: number },
): Promise<Answer<T>> {
  const resolver = new Resolver({ timeout: timeoutMs, tries: 1 });
  if (servers !== undefined) resolver.setServers(servers);
  // The time-out above is one server's; there may be several.
  const timer = setTimeout(() => resolver.cancel(), timeoutMs);
  try {
    const records = await question(resolver);
    return records.length === 0 ? { kind: 'none' } : { kind: 'found', records };
  } catch (error) {
    const code = codeOf(error);
    return saysNone.has(code) ? { kind: 'none' } : { kind: 'unknown', because: code };
  } finally {
    clearTimeout(timer);
  }
}

async function post(url: string, form: Readonly<Record<string, string>>): Promise<PostAnswer> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      body: new URLSearchParams(form),
      redirect: 'manual',
      signal: AbortSignal.timeout(longestPost),
    });
    await response.body?.cancel();
    return { kind: 'answered', status: response.status, header: (name) => response.headers.get(name) };
  } catch (error) {
    return { kind: 'failed', because: codeOf(error) };
  }
}

/** The code of an error or of what caused it; the time-out of a fetch has none. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  if (error.name === 'TimeoutError') return 'timeout';
  if ('code' in error && typeof error.code === 'string') return error.code;
  return error.cause === undefined ? error.name : codeOf(error.cause);
}
