import { OperatorError } from '../../errors.js';
import { createLog } from '../../log.js';
import type { Input, Surroundings } from '../command.js';
import { faultOfNetwork } from '../network-faults.js';
import { withDeps } from '../open.js';
import { addressOfService } from '../target.js';

/** What anybody may read of the service, asked of the running one or made from the database. */
export interface PublicPages {
  /** @param address path and query below PUBLIC_URL, such as `/versions/3?lang=de` */
  read(address: string): Promise<PublicAnswer>;
}

export interface PublicAnswer {
  status: number;
  /** Without parameters; empty: it has none. */
  type: string;
  body: Buffer;
}

const patienceMs = 60_000;

/** Gives `work` the pages of the service that `--url` or SUBNOTICE_URL names, without a token, else the database's. */
export async function withPublicPages<T>(
  input: Input,
  surroundings: Surroundings,
  work: (pages: PublicPages) => Promise<T>,
): Promise<T> {
  const url = addressOfService(input, surroundings);
  if (url !== null) return work({ read: (address) => readAt(url, address) });
  return withDeps(surroundings, async ({ config, texts }, databaseUrl) => {
    // Loaded when it is wanted: no other command needs the doors.
    const { buildApp } = await import('../../app.js');
    // One moment for all pages, or midnight could fall between two of them.
    const at = new Date();
    const log = createLog('error', process.stderr);
    const app = await buildApp({ config, databaseUrl, now: () => at, texts, log, mailbox: null });
    try {
      await app.http.ready();
      return await work({
        async read(address) {
          const { statusCode, headers, rawPayload } = await app.http.inject(address);
          return { status: statusCode, type: bareType(headers['content-type']?.toString()), body: rawPayload };
        },
      });
    } finally {
      await app.close();
    }
  });
}

async function readAt(url: string, address: string): Promise<PublicAnswer> {
  try {
    const response = await fetch(url + address, {
      headers: { 'user-agent': 'subnotice' },
      redirect: 'manual',
      signal: AbortSignal.timeout(patienceMs),
    });
    const body = Buffer.from(await response.arrayBuffer());
    return { status: response.status, type: bareType(response.headers.get('content-type') ?? undefined), body };
  } catch (error) {
    throw new OperatorError(faultOfNetwork(url, error, patienceMs).sentence);
  }
}

function bareType(type: string | undefined): string {
  return (type ?? '').split(';')[0]?.trim() ?? '';
}
