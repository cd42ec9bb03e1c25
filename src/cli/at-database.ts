import { Readable } from 'node:stream';
import { operatorActor } from '../actor.js';
import type { Deps } from '../deps.js';
import { writeYaml } from '../list/write.js';
import { browseDeliveries, deliveryReport } from '../notices/report.js';
import { approvalJson } from '../routes/api/approval.js';
import { importReport } from '../routes/api/import-json.js';
import { planJson } from '../routes/api/plan.js';
import {
  adminVersionJson,
  adminVersionSchema,
  deliveriesJson,
  deliveriesSchema,
  noticeJson,
  publishedSchema,
  scheduledJson,
} from '../routes/api/wire.js';
import { knownServicesOf } from '../routes/pages/subscription-form.js';
import { exportSubscribers } from '../subscribers/export.js';
import { importSubscribers } from '../subscribers/import.js';
import { askApproval } from '../versions/approval-request.js';
import { draftAsYaml, draftMissing, readDraft, writeDraft } from '../versions/draft.js';
import { applyPrepared, prepareImport } from '../versions/import.js';
import { planOrUnchanged } from '../versions/plan-document.js';
import { publish } from '../versions/publish.js';
import { latestNumber, readVersion, readVersionState, versionMissing } from '../versions/read.js';
import { keyFor } from './idempotency.js';
import { nothingPublished } from './refusals.js';
import type { Target } from './target.js';

const largestPage = 1_000;

/** The commands' work at the database, as whoever types at the shell of the machine. */
export function targetAtDatabase(deps: Deps): Target {
  const { db } = deps;
  return {
    async plan(list) {
      return planJson(await planOrUnchanged(deps, list), deps.config);
    },
    async prepareImport({ bytes, fileName, ...options }) {
      const prepared = await prepareImport(db, { bytes, hint: { fileName } }, options);
      return {
        report: importReport(prepared, null),
        async write() {
          const { revision } = await applyPrepared(deps, prepared, {}, operatorActor);
          return importReport(prepared, revision);
        },
      };
    },
    async publish({ request, list, key }) {
      const written = list === null ? null : await writeDraft(deps, list, {}, operatorActor);
      // The file, and not what somebody else has made the draft in this moment.
      const result = await publish(deps, request, operatorActor, {
        ifRevision: written?.revision,
        idempotencyKey: key === undefined ? undefined : keyFor(key, list),
      });
      if (result.status === 202) return { status: 202, scheduled: scheduledJson(result.scheduled) };
      const { version, state, notice } = result;
      return {
        status: 201,
        version: publishedSchema.parse({ ...adminVersionJson(version, state), notice: noticeJson(notice) }),
      };
    },
    async askApproval() {
      return approvalJson(await askApproval(deps, operatorActor));
    },
    async list(which) {
      if (which === 'draft') {
        const draft = await readDraft(db);
        if (draft === null) throw draftMissing();
        return draftAsYaml(draft);
      }
      const number = which === 'latest' ? await latestNumber(db) : which;
      if (number === null) throw nothingPublished();
      const version = await readVersion(db, number);
      if (version === null) throw versionMissing(number);
      return writeYaml(version.document);
    },
    async version(number) {
      const { version, state } = await readVersionState(db, number, deps.now());
      return adminVersionSchema.parse(adminVersionJson(version, state));
    },
    async *deliveries(number) {
      const report = await deliveryReport(db, number);
      let after: number | undefined;
      do {
        const page = await browseDeliveries(db, number, { after, limit: largestPage });
        yield deliveriesSchema.parse(deliveriesJson(report, page));
        after = page.next ?? undefined;
      } while (after !== undefined);
    },
    async importSubscribers(file) {
      return importSubscribers(deps, Readable.from(file), operatorActor, {
        knownServices: await knownServicesOf(deps),
      });
    },
    exportSubscribers: () => exportSubscribers(deps, operatorActor),
  };
}
