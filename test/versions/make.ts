import type { Test } from 'tap';
import type { Actor } from '../../src/actor.js';
import { browseAudit } from '../../src/audit/browse.js';
import { readConfig } from '../../src/config.js';
import { Refusal, type RefusalCode } from '../../src/errors.js';
import type { ListDocument, SubProcessor } from '../../src/list/document.js';
import { replaceDraft } from '../../src/versions/draft.js';
import { publish } from '../../src/versions/publish.js';
import type { PublishRequest, PublishResult } from '../../src/versions/version.js';
import { createClock } from '../support/clock.js';
import { openDatabase } from '../support/database.js';

export const officer: Actor = { kind: 'admin', id: 1, role: 'publisher' };

/** A list of these sub-processors, each a name or an entry. */
export function aList(...entries: readonly (string | SubProcessor)[]): ListDocument {
  return {
    title: 'Sub-processors',
    dataSubjects: [{ id: 'users', name: 'Users', dataCategories: [{ id: 'email', name: 'Email' }] }],
    subProcessors: entries.map((entry) =>
      typeof entry === 'string'
        ? {
            id:
              entry
                .toLowerCase()
                .match(/[a-z0-9]+/g)
                ?.join('-') ?? 'entry',
            name: entry,
          }
        : entry,
    ),
  };
}

export type Stage = Awaited<ReturnType<typeof openStage>>;

/** A database, a clock at 09:00 UTC on 4 January 2027, and the verbs of an officer's day. */
export async function openStage(t: Test, env: Readonly<Record<string, string>> = {}) {
  const { pool } = await openDatabase(t);
  const clock = createClock();
  const config = readConfig({
    DATABASE_URL: 'postgres://unused.example/none',
    SECRET_KEY: 'a-secret-key-that-only-the-tests-use',
    ...env,
  });
  const deps = { db: pool, now: clock.now, config };
  return {
    deps,
    clock,
    draft: (document: ListDocument) => replaceDraft(deps, { document, source: null }, {}, officer),
    /** Makes the list the draft and publishes it now. */
    async publish(document: ListDocument, request: PublishRequest = {}) {
      await replaceDraft(deps, { document, source: null }, {}, officer);
      return published(await publish(deps, request, officer));
    },
    audit: async (action: string) =>
      (await browseAudit(pool, { limit: 100 })).entries.filter((entry) => entry.action === action),
    /** Kind, version, base, and how many changes, of each notice that was ordered. */
    async notices() {
      const { rows } = await pool.query(
        `select kind, version, base_version as base, jsonb_array_length(changes) as changes from notices order by id`,
      );
      return rows;
    },
  };
}

export function published(result: PublishResult) {
  if (result.status !== 201) throw new Error('it was planned, not published');
  return result;
}

/** That a verb refuses, with this code and, where it matters, this sentence. */
export async function refuses(t: Test, code: RefusalCode, promise: Promise<unknown>, message?: RegExp): Promise<void> {
  const thrown = await promise.then(
    () => null,
    (error: unknown) => error,
  );
  if (thrown !== null && !(thrown instanceof Refusal)) throw thrown;
  t.equal(thrown?.code ?? 'not refused', code);
  if (message !== undefined) t.match(thrown?.message, message);
}
