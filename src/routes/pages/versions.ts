import type { FastifyPluginAsync } from 'fastify';
import { z } from 'zod';
import type { AppDeps } from '../../app.js';
import { describe } from '../../list/describe.js';
import { joinOriginals, localize } from '../../list/localize.js';
import { namesOf } from '../../list/values.js';
import { periodsInForce, stateOf } from '../../versions/clock.js';
import {
  baseOf,
  compareVersions,
  correctionsOf,
  readVersion,
  readVersions,
  versionMissing,
} from '../../versions/read.js';
import type { PublishedVersion, VersionSummary } from '../../versions/version.js';
import { languageOf } from './chosen-language.js';
import { listView } from './list-view.js';

const versionNumber = z.coerce.number().int().positive();
const chosenPair = z.object({ from: versionNumber, to: versionNumber });

/** The archive: every version for ever at its address, and what changed between any two. */
export function versionRoutes(deps: AppDeps): FastifyPluginAsync {
  const { db, kept, now, pages, texts } = deps;

  async function versionOf(text: string | undefined): Promise<PublishedVersion> {
    const number = /^[1-9]\d{0,8}$/.test(text ?? '') ? Number(text) : 0;
    const version = await readVersion(db, number);
    if (version === null) throw versionMissing(number);
    return version;
  }

  return async (app) => {
    app.get('/versions', async (request, reply) =>
      kept.send(request, reply, '/versions', async (choice) =>
        pages.render('versions', { versions: await readVersions(db, now()) }, choice, '/versions'),
      ),
    );

    app.get<{ Params: { number: string } }>('/versions/:number(^\\d+$)', async (request, reply) => {
      const path = `/versions/${request.params.number}`;
      return kept.send(request, reply, path, async (choice) => {
        const version = await versionOf(request.params.number);
        const all = await readVersions(db, now());
        const words = texts.for(choice.locale);
        const base = baseOf(version, all);
        const before = base === null ? null : await readVersion(db, base);
        const list = localize(version.document, choice.locale);
        // The first version changes nothing: there was none before.
        const account =
          base === null ? null : describe(version.changes, namesOf(before?.document ?? null, version.document), words);
        const data = {
          version: { ...version, document: list.document },
          state: stateOf(version, all, now()),
          period: periodsInForce(all).find(({ number }) => number === version.number) ?? null,
          corrections: correctionsOf(version.number, all),
          base,
          account,
          original: joinOriginals([account?.original ?? null, list.original]),
          newer: all.filter(({ number }) => number > version.number).length > 0,
          numbers: numbersOf(all),
          view: listView(list, words),
        };
        return pages.render('version', data, choice, path);
      });
    });

    app.get('/compare', async (request, reply) => {
      const pair = chosenPair.safeParse(request.query);
      const path = pair.success ? `/compare/${pair.data.from}...${pair.data.to}` : '/versions';
      return reply.redirect(pages.href(path + languageOf(request)), 302);
    });

    app.get<{ Params: { from: string; to: string } }>('/compare/:from(^\\d+)...:to(^\\d+$)', async (request, reply) => {
      const { from, to } = request.params;
      const path = `/compare/${from}...${to}`;
      return kept.send(request, reply, path, async (choice) => {
        const [before, after] = [await versionOf(from), await versionOf(to)];
        const all = await readVersions(db, now());
        const { changes } = await compareVersions(db, before.number, after.number);
        const names = namesOf(before.document, after.document);
        const account = describe(changes, names, texts.for(choice.locale));
        const data = {
          before,
          after,
          states: { before: stateOf(before, all, now()), after: stateOf(after, all, now()) },
          numbers: numbersOf(all),
          changes: changes.length,
          account,
          original: account.original,
        };
        return pages.render('compare', data, choice, path);
      });
    });
  };
}

function numbersOf(all: readonly VersionSummary[]): number[] {
  return all.map(({ number }) => number);
}
