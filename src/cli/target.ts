import { readFile } from 'node:fs/promises';
import type { z } from 'zod';
import type { RemoteConfig } from '../config.js';
import { OperatorError } from '../errors.js';
import type { Mapping } from '../list/import/mapping.js';
import type { ImportReport } from '../routes/api/import-json.js';
import type { PlanAnswer } from '../routes/api/plan.js';
import type { adminVersionSchema, deliveriesSchema, importResultSchema } from '../routes/api/wire.js';
import { publicUrl } from '../settings.js';
import type { ImportMode, PairDecisions } from '../versions/import-plan.js';
import type { PublishRequest } from '../versions/version.js';
import { createApi } from './api-client.js';
import { targetAtDatabase } from './at-database.js';
import { targetAtService } from './at-service.js';
import { type Input, type Surroundings, UsageError } from './command.js';
import type { ListText } from './file.js';
import { withDeps } from './open.js';
import type { ApprovalAnswer, Published } from './published.js';

/*
 * Where a command does its work: at the database of the service, or at a running service by its API. The
 * commands are written once, for either; what they say is what the API would answer.
 */

export interface Target {
  /** What publishing a list would come to; nothing is written. */
  plan(list: ListText): Promise<PlanAnswer>;
  /** What a file would make of the draft; nothing is written until `write` of the answer. */
  prepareImport(order: ImportOrder): Promise<ImportOffer>;
  /** Publishes the draft; with `list`, makes that the draft first, and publishes nothing else. */
  publish(order: PublishOrder): Promise<Published>;
  /** Asks the publishers to approve the draft. */
  askApproval(): Promise<ApprovalAnswer>;
  /** A list as YAML. Refuses `version.missing`, `draft.missing`. */
  list(which: number | 'latest' | 'draft'): Promise<string>;
  /** One version; its deliveries page by page, the first with the figures. */
  version(number: number): Promise<z.infer<typeof adminVersionSchema>>;
  deliveries(number: number): AsyncIterable<z.infer<typeof deliveriesSchema>>;
  importSubscribers(file: AsyncIterable<Buffer>): Promise<z.infer<typeof importResultSchema>>;
  /** All subscribers as CSV, in parts of any size. */
  exportSubscribers(): AsyncIterable<string>;
}

export interface ImportOrder {
  bytes: Buffer;
  /** Undefined: it came without one. */
  fileName: string | undefined;
  /** Undefined: what is suggested. */
  mapping: Mapping | undefined;
  mode: ImportMode;
  pairs: PairDecisions;
}

export interface ImportOffer {
  report: ImportReport;
  /** Makes it the draft, as the report tells it. Refuses `draft.stale` when the draft was changed since. */
  write(): Promise<ImportReport>;
}

export interface PublishOrder {
  request: PublishRequest;
  list: ListText | null;
  /** A repeat with the same key, list and request publishes nothing again; undefined: one that nobody else has. */
  key: string | undefined;
}

/** The options of every command that works at a target, and how help tells of them. */
export const targetOptions = {
  url: { type: 'string' },
  'token-file': { type: 'string' },
  'plain-http': { type: 'boolean' },
} as const;
export const targetUsage = '[--url URL [--token-file FILE] [--plain-http]]';

/** Does the work at the service that `--url` or SUBNOTICE_URL names, else at the database. */
export async function withTarget<T>(
  input: Input,
  surroundings: Surroundings,
  work: (target: Target) => Promise<T>,
): Promise<T> {
  const remote = await remoteOf(input, surroundings);
  if (remote === null) return withDeps(surroundings, (deps) => work(targetAtDatabase(deps)));
  return work(targetAtService(createApi(remote)));
}

/** The service that `--url` or SUBNOTICE_URL names, for what needs no token; null: the database is meant. */
export function addressOfService({ text }: Input, { remote }: Surroundings): string | null {
  const wanted = text('url');
  return wanted === undefined ? (remote?.().url ?? null) : readUrl(wanted);
}

/** Null: there is none, so that the database is meant. */
async function remoteOf(
  { text, flag }: Input,
  { remote }: Surroundings,
): Promise<{ url: string; token: string } | null> {
  const set: RemoteConfig = remote?.() ?? { url: null, token: null };
  const wanted = text('url');
  const url = wanted === undefined ? set.url : readUrl(wanted);
  const file = text('token-file');
  if (url === null) {
    if (file === undefined && !flag('plain-http')) return null;
    throw new UsageError('--token-file and --plain-http go with --url or SUBNOTICE_URL');
  }
  if (!flag('plain-http') && url.startsWith('http:') && !isThisMachine(new URL(url).hostname)) {
    throw new OperatorError(
      `${url}: the token would cross the network readable for others; use https, or add --plain-http where the network is your own`,
    );
  }
  if (file === undefined && set.url !== null && new URL(set.url).origin !== new URL(url).origin) {
    throw new OperatorError(
      `${url}: the token of the settings is for ${set.url}; name the one for this address with --token-file`,
    );
  }
  const token = file === undefined ? set.token : await readToken(file);
  if (token === null) {
    throw new OperatorError(`${url}: no token; put one into a file for --token-file, or into SUBNOTICE_TOKEN`);
  }
  // Whatever else it is, a header cannot carry it, and what says so would show it.
  if (!/^[\x21-\x7e]+$/.test(token)) {
    throw new OperatorError(`${url}: the token holds spaces, line breaks or letters that no token has; copy it anew`);
  }
  return { url, token };
}

function readUrl(text: string): string {
  const url = publicUrl.safeParse(text);
  if (url.success) return url.data;
  throw new UsageError(`--url: ${url.error.issues[0]?.message}`);
}

function isThisMachine(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}

async function readToken(path: string): Promise<string> {
  try {
    const token = (await readFile(path, 'utf8')).trim();
    if (token !== '') return token;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    throw new OperatorError(`${path}: cannot be read (${code}); name a file that holds the token alone`);
  }
  throw new OperatorError(`${path}: is empty; write the token into it`);
}
