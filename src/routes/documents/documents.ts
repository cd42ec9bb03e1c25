import { stringify } from 'csv-stringify/sync';
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { AppDeps } from '../../app.js';
import { type Account, describe } from '../../list/describe.js';
import { localize } from '../../list/localize.js';
import { namesOf } from '../../list/values.js';
import { toSpreadsheet } from '../../spreadsheet.js';
import type { Texts } from '../../texts.js';
import { baseOf, compareVersions, readBoard, readVersion, readVersions, versionMissing } from '../../versions/read.js';
import type { PublishedVersion } from '../../versions/version.js';
import { listAsCsv } from '../api/list-csv.js';
import { nothingInForce } from '../api/public.js';
import { type LocaleChoice, type Rendered, renderedOf } from '../render.js';
import { changeColumns, changeRows, listSheets } from './list-sheets.js';
import { versionHead } from './version-head.js';
import { writeWorkbook } from './workbook.js';

/*
 * The list, a version and a comparison as files to keep, to file and to work with. A file is made when somebody
 * first asks for it, and the same version is the same bytes on every instance.
 */

const types = {
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  csv: 'text/csv; charset=utf-8; header=present',
} as const;

/** A version with what it is told against. */
interface Told {
  version: PublishedVersion;
  account: Account | null;
}

/** `/list.xlsx`, `/versions/N.xlsx`, `/versions/N.csv`, `/compare/A...B.csv`. */
export function documentRoutes(deps: AppDeps): FastifyPluginAsync {
  const { db, kept, now, pages, texts } = deps;

  async function send(
    request: FastifyRequest,
    reply: FastifyReply,
    file: { name: string; type: keyof typeof types },
    make: (choice: LocaleChoice, words: Texts) => Promise<string | Uint8Array>,
  ): Promise<FastifyReply> {
    reply.header('content-disposition', `attachment; filename="${file.name}.${file.type}"`);
    try {
      return await kept.send(request, reply, `${file.name}.${file.type}`, async (choice): Promise<Rendered> => {
        return renderedOf(await make(choice, texts.for(choice.locale)), types[file.type], choice.locale);
      });
    } catch (error) {
      // What says that there is no such version is no file.
      reply.removeHeader('content-disposition');
      throw error;
    }
  }

  async function told(version: PublishedVersion, words: Texts): Promise<Told> {
    const base = baseOf(version, await readVersions(db, now()));
    const before = base === null ? null : await readVersion(db, base);
    const names = namesOf(before?.document ?? null, version.document);
    return { version, account: base === null ? null : describe(version.changes, names, words) };
  }

  async function inForce(): Promise<PublishedVersion> {
    const { inForce: version } = await readBoard(db, now());
    if (version === null) throw nothingInForce();
    return version;
  }

  async function workbook({ version, account }: Told, words: Texts): Promise<Uint8Array> {
    const { title } = localize(version.document, words.locale).document;
    const head = versionHead(version, pages.href(`/versions/${version.number}`), words);
    const rows = head.map(({ label, text }) => [label, text] as const);
    return writeWorkbook(listSheets(version.document, account, rows, words), {
      title: words.t('documents.title', { title, version: String(version.number) }),
      dir: words.dir,
    });
  }

  return async (app) => {
    app.get('/list.xlsx', async (request, reply) =>
      send(request, reply, { name: 'sub-processors', type: 'xlsx' }, async (_, words) =>
        workbook(await told(await inForce(), words), words),
      ),
    );
    app.get<{ Params: { number: string } }>('/versions/:number(^\\d{1,9}).xlsx', async (request, reply) => {
      const number = Number(request.params.number);
      return send(request, reply, { name: versionName(number), type: 'xlsx' }, async (_, words) =>
        workbook(await told(await versionOf(number), words), words),
      );
    });
    app.get<{ Params: { number: string } }>('/versions/:number(^\\d{1,9}).csv', async (request, reply) => {
      const number = Number(request.params.number);
      return send(request, reply, { name: versionName(number), type: 'csv' }, async () =>
        listAsCsv((await versionOf(number)).document),
      );
    });
    app.get<{ Params: { from: string; to: string } }>(
      '/compare/:from(^\\d{1,9})...:to(^\\d{1,9}).csv',
      async (request, reply) => {
        const [from, to] = [Number(request.params.from), Number(request.params.to)];
        return send(request, reply, { name: `sub-processors-${from}-to-${to}`, type: 'csv' }, async (_, words) => {
          const [before, after] = [await versionOf(from), await versionOf(to)];
          const { changes } = await compareVersions(db, from, to);
          return changesAsCsv(describe(changes, namesOf(before.document, after.document), words), words);
        });
      },
    );
  };

  async function versionOf(number: number): Promise<PublishedVersion> {
    const version = await readVersion(db, number);
    if (version === null) throw versionMissing(number);
    return version;
  }
}

function versionName(number: number): string {
  return `sub-processors-version-${number}`;
}

/** CSV (RFC 4180): a row for each field that is told; cells that a spreadsheet would run are made text. PURE. */
function changesAsCsv(account: Account, texts: Texts): string {
  const header = changeColumns.map(({ key }) => texts.t(`documents.columns.${key}`));
  const rows = changeRows(account, texts).map((row) => row.map(toSpreadsheet));
  return stringify([header, ...rows], { record_delimiter: '\r\n' });
}
