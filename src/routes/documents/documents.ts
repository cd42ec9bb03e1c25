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
import { described } from '../described.js';
import { type Rendered, renderedOf } from '../render.js';
import { changeColumns, changeRows, listSheets } from './list-sheets.js';
import { writePdf } from './pdf.js';
import { comparisonBlocks, versionBlocks } from './pdf-blocks.js';
import { versionHead } from './version-head.js';
import { writeWorkbook } from './workbook.js';

/*
 * The list, a version and a comparison as files to keep, to file and to work with. A file is made when somebody
 * first asks for it, and the same version is the same bytes on every instance.
 */

const types = {
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  csv: 'text/csv; charset=utf-8; header=present',
  pdf: 'application/pdf',
} as const;

/** A version with what it changed against another; null: there was none before it. */
interface Told {
  version: PublishedVersion;
  change: { account: Account; base: number } | null;
}

/** `/list`, `/versions/N` and `/compare/A...B` with the ending of a file. */
export function documentRoutes(deps: AppDeps): FastifyPluginAsync {
  const { config, db, kept, now, pages, texts } = deps;

  async function send(
    request: FastifyRequest,
    reply: FastifyReply,
    file: { name: string; type: keyof typeof types },
    make: (words: Texts) => Promise<string | Uint8Array>,
  ): Promise<FastifyReply> {
    reply.header('content-disposition', `attachment; filename="${file.name}.${file.type}"`);
    try {
      return await kept.send(request, reply, `${file.name}.${file.type}`, async ({ locale }): Promise<Rendered> => {
        return renderedOf(await make(texts.for(locale)), types[file.type], locale);
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
    return { version, change: base === null ? null : { base, account: describe(version.changes, names, words) } };
  }

  async function inForce(): Promise<PublishedVersion> {
    const { inForce: version } = await readBoard(db, now());
    if (version === null) throw nothingInForce();
    return version;
  }

  function workbook({ version, change }: Told, words: Texts): Uint8Array {
    const { title } = localize(version.document, words.locale).document;
    const head = versionHead(version, pages.href(`/versions/${version.number}`), words);
    const rows = head.map(({ label, text }) => [label, text] as const);
    return writeWorkbook(listSheets(version.document, change?.account ?? null, rows, words), {
      title: words.t('documents.title', { title, version: String(version.number) }),
      dir: words.dir,
    });
  }

  async function paper({ version, change }: Told, words: Texts): Promise<Uint8Array> {
    const { t } = words;
    const { title } = localize(version.document, words.locale).document;
    const number = String(version.number);
    const url = pages.href(`/versions/${number}`);
    const head = {
      title: t('documents.title', { title, version: number }),
      company: config.companyName,
      rows: versionHead(version, url, words).slice(0, -1),
      message: version.message,
      url,
    };
    const values = { company: config.companyName, version: number, hash: version.hash.slice(0, 16) };
    return writePdf(
      {
        ...paperOf(words),
        title: head.title,
        madeAt: version.withdrawnAt ?? version.publishedAt,
        footer: footerOf(words, 'footer', values),
      },
      versionBlocks(version.document, change, head, words),
    );
  }

  async function comparison(before: PublishedVersion, after: PublishedVersion, words: Texts): Promise<Uint8Array> {
    const { t } = words;
    const numbers = { from: String(before.number), to: String(after.number) };
    const title = t('documents.pdf.compareTitle', numbers);
    const url = pages.href(`/compare/${numbers.from}...${numbers.to}`);
    const rows = [before, after].flatMap((version) =>
      versionHead(version, url, words).filter(({ label }) => label !== t('documents.page')),
    );
    const madeAt = new Date(Math.max(before.publishedAt.getTime(), after.publishedAt.getTime()));
    const footer = footerOf(words, 'compareFooter', { company: config.companyName, ...numbers });
    return writePdf(
      { ...paperOf(words), title, madeAt, footer },
      comparisonBlocks(
        await compared(before, after, words),
        { title, company: config.companyName, rows, message: null, url },
        words,
      ),
    );
  }

  function paperOf(words: Texts) {
    return {
      author: config.companyName,
      language: words.locale,
      missing: (sign: string) => words.t('documents.pdf.missing', { sign }),
    };
  }

  async function compared(before: PublishedVersion, after: PublishedVersion, words: Texts): Promise<Account> {
    const { changes } = await compareVersions(db, before.number, after.number);
    return describe(changes, namesOf(before.document, after.document), words);
  }

  return async (app) => {
    const whole = { xlsx: workbook, pdf: paper, csv: ({ version }: Told) => listAsCsv(version.document) };
    for (const type of ['xlsx', 'pdf'] as const) {
      app.get(
        `/list.${type}`,
        described(`readList${nameOf(type)}`, `The list in force (${types[type]})`),
        async (request, reply) =>
          send(request, reply, { name: 'sub-processors', type }, async (words) =>
            whole[type](await told(await inForce(), words), words),
          ),
      );
    }
    for (const type of ['xlsx', 'pdf', 'csv'] as const) {
      const one = described(`readVersion${nameOf(type)}`, `One version (${types[type]})`);
      app.get<{ Params: { number: string } }>(`/versions/:number(^\\d{1,9}).${type}`, one, async (request, reply) => {
        const number = Number(request.params.number);
        return send(request, reply, { name: `sub-processors-version-${number}`, type }, async (words) =>
          whole[type](await told(await versionOf(number), words), words),
        );
      });
    }
    const parts = {
      pdf: comparison,
      csv: async (...[before, after, words]: Parameters<typeof compared>) =>
        changesAsCsv(await compared(before, after, words), words),
    };
    for (const type of ['pdf', 'csv'] as const) {
      const path = `/compare/:from(^\\d{1,9})...:to(^\\d{1,9}).${type}`;
      const two = described(`compare${nameOf(type)}`, `What changed from one version to another (${types[type]})`);
      app.get<{ Params: { from: string; to: string } }>(path, two, async (request, reply) => {
        const [from, to] = [Number(request.params.from), Number(request.params.to)];
        return send(request, reply, { name: `sub-processors-${from}-to-${to}`, type }, async (words) =>
          parts[type](await versionOf(from), await versionOf(to), words),
        );
      });
    }
  };

  async function versionOf(number: number): Promise<PublishedVersion> {
    const version = await readVersion(db, number);
    if (version === null) throw versionMissing(number);
    return version;
  }
}

/** Of an operation. */
const nameOf = (type: keyof typeof types) => `${type.charAt(0).toUpperCase()}${type.slice(1)}`;

function footerOf(texts: Texts, key: string, values: Readonly<Record<string, string>>) {
  return (page: number, pages: number) =>
    texts.t(`documents.pdf.${key}`, { ...values, page: texts.t('documents.pdf.pageOf', { page, pages }) });
}

/** CSV (RFC 4180): a row for each field that is told; cells that a spreadsheet would run are made text. PURE. */
function changesAsCsv(account: Account, texts: Texts): string {
  const header = changeColumns.map(({ key }) => texts.t(`documents.columns.${key}`));
  const rows = changeRows(account, texts).map((row) => row.map(toSpreadsheet));
  return stringify([header, ...rows], { record_delimiter: '\r\n' });
}
