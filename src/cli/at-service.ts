import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { OperatorError } from '../errors.js';
import { listDocumentSchema } from '../list/document.js';
import { mostBytes } from '../list/import/read-source.js';
import { unreadable } from '../list/import/unreadable.js';
import { writeYaml } from '../list/write.js';
import { approvalSchema } from '../routes/api/approval.js';
import { etagOf } from '../routes/api/draft.js';
import { importReportSchema } from '../routes/api/import-json.js';
import { planSchema } from '../routes/api/plan.js';
import {
  adminVersionSchema,
  deliveriesSchema,
  importResultSchema,
  publishedSchema,
  scheduledJsonSchema,
} from '../routes/api/wire.js';
import type { Api } from './api-client.js';
import type { ListText } from './file.js';
import { keyFor } from './idempotency.js';
import { nothingPublished } from './refusals.js';
import type { ImportOrder, Target } from './target.js';

const largestPage = 1_000;
/** An import of a hundred thousand answers at its end, and a page of some megabytes is read at length. */
const importPatience = 10 * 60_000;

/** The commands' work at a running service, with the rights of the token. */
export function targetAtService(api: Api): Target {
  return {
    async plan(list) {
      const call = { method: 'POST', path: '/api/v1/plan', ...sent(list), repeatable: true } as const;
      return (await api.json(call, planSchema)).value;
    },
    async prepareImport(order) {
      const report = await importDraft(order, null);
      return {
        report,
        // What was suggested goes back with it, so that nothing is written but what the report told.
        write: () => importDraft({ ...order, mapping: report.mapping }, etagOf(report.revision)),
      };
    },
    async publish({ request, list, key }) {
      const tag = list === null ? null : await putDraft(list);
      const call = {
        method: 'POST',
        path: '/api/v1/versions',
        headers: {
          'content-type': 'application/json',
          // So that an answer which got lost is asked for again, and nothing is published twice.
          'idempotency-key': keyFor(key ?? randomUUID(), list),
          // The file, and not what somebody else has made the draft in this moment.
          ...(tag === null ? {} : { 'if-match': tag }),
        },
        body: JSON.stringify(request),
        repeatable: true,
      } as const;
      const { value } = await api.json(call, z.union([publishedSchema, scheduledJsonSchema]));
      return value.state === 'scheduled' && 'publishAt' in value
        ? { status: 202, scheduled: value }
        : { status: 201, version: publishedSchema.parse(value) };
    },
    async askApproval() {
      const call = { method: 'POST', path: '/api/v1/draft/approval-request', repeatable: true } as const;
      return (await api.json(call, approvalSchema)).value;
    },
    async list(which) {
      if (which === 'draft') {
        const call = {
          method: 'GET',
          path: '/api/v1/draft',
          headers: { accept: 'application/yaml' },
          repeatable: true,
        } as const;
        return (await api.text(call)).value;
      }
      const number = which === 'latest' ? await latest() : which;
      if (number === null) throw nothingPublished();
      const { document } = await version(number);
      const read = listDocumentSchema.safeParse(document);
      if (read.success) return writeYaml(read.data);
      throw new OperatorError(
        `${api.url}: the list has fields that this command line does not know; it seems to be older than the service`,
      );
    },
    version,
    async *deliveries(number) {
      let after: number | null = 0;
      do {
        const path: string = `/api/v1/versions/${number}/deliveries?after=${after}&limit=${largestPage}`;
        const { value } = await api.json({ method: 'GET', path, repeatable: true }, deliveriesSchema);
        yield value;
        after = value.next;
      } while (after !== null);
    },
    async importSubscribers(file) {
      const call = {
        method: 'POST',
        path: '/api/v1/subscribers/import',
        headers: { 'content-type': 'text/csv' },
        body: bytesOf(file),
        // A stream cannot be sent twice.
        repeatable: false,
        patience: importPatience,
      } as const;
      return (await api.json(call, importResultSchema)).value;
    },
    exportSubscribers: () =>
      api.parts({
        method: 'GET',
        path: '/api/v1/subscribers.csv',
        headers: { accept: 'text/csv' },
        repeatable: false,
      }),
  };

  /** @param tag of the draft that it replaces; null: nothing is written */
  async function importDraft({ bytes, fileName = '', mapping, mode, pairs }: ImportOrder, tag: string | null) {
    // Said before it travels: the service hangs up on what is too large.
    if (bytes.length > mostBytes) throw unreadable('too-large');
    const body = new FormData();
    body.append('file', new Blob([new Uint8Array(bytes)]), fileName);
    if (mapping !== undefined) body.append('mapping', JSON.stringify(mapping));
    body.append('pairs', JSON.stringify(pairs));
    const call = {
      method: 'POST',
      path: `/api/v1/draft/import?mode=${mode}&apply=${tag !== null}`,
      headers: tag === null ? {} : { 'if-match': tag },
      body,
      // The second of two writes would find the draft changed: by the first.
      repeatable: tag === null,
      patience: importPatience,
    } as const;
    return (await api.json(call, importReportSchema)).value;
  }

  async function version(number: number) {
    const path = `/api/v1/versions/${number}`;
    return (await api.json({ method: 'GET', path, repeatable: true }, adminVersionSchema)).value;
  }

  /** The latest that is neither planned nor withdrawn; null: there is none. */
  async function latest(): Promise<number | null> {
    const { value } = await api.json({ method: 'GET', path: '/api/v1/versions', repeatable: true }, versionsSchema);
    return value.versions.find(({ state }) => state !== 'scheduled' && state !== 'withdrawn')?.version ?? null;
  }

  /** @returns what names the draft as it is then */
  async function putDraft(list: ListText): Promise<string> {
    const call = { method: 'PUT', path: '/api/v1/draft', ...sent(list), repeatable: true } as const;
    const { headers } = await api.text(call);
    const tag = headers.get('etag');
    if (tag !== null) return tag;
    throw new OperatorError(
      `${api.url}: the answer came without its ETag, so that a draft of somebody else could be published; what stands in front of the service must leave it`,
    );
  }
}

const versionsSchema = z.object({
  versions: z.array(z.object({ version: z.number().int(), state: z.string() })),
});

function sent({ text, format }: ListText) {
  return { headers: { 'content-type': `application/${format}` }, body: text };
}

function bytesOf(file: AsyncIterable<Buffer>): ReadableStream<Uint8Array> {
  const chunks = file[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const next = await chunks.next();
      if (next.done === true) controller.close();
      else controller.enqueue(next.value);
    },
    async cancel() {
      await chunks.return?.();
    },
  });
}
