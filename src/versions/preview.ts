import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { changesInScope } from '../list/scope.js';
import type { RenderedMail } from '../mail/message.js';
import { type NoticeInput, noticeSubject, renderNotice } from '../mail/notice.js';
import { together } from '../notices/along.js';
import { readTakenOver } from '../notices/quiet.js';
import { type SettledDates, settleDates } from './clock.js';
import { type Draft, draftMissing, readDraft } from './draft.js';
import { momentOfPublication } from './moment.js';
import { planVersion, type VersionPlan } from './plan.js';
import { type PublishRequest, withMessage } from './version.js';

/** What publishing would do. Only one of `dates` and `refusal` is there. */
export interface PublishPreview {
  draft: Draft;
  /** What was asked for, with the draft's message where it names none. */
  request: PublishRequest;
  plan: VersionPlan;
  /** The dates that the version would have. */
  dates: SettledDates | null;
  /** What publishing would be refused for; `defaults` still says what would be lawful. */
  refusal: Refusal | null;
  /** The dates that it would have if none were named. */
  defaults: SettledDates;
}

/**
 * What `publish` would do with the same request now: same comparison, same dates, nothing written.
 * Refuses `draft.missing`, `version.unchanged` and `reason.missing` (notify: false); refusals of dates come as
 * `refusal`, since the form that shows them also shows the changes.
 */
export async function previewPublish(
  deps: Pick<Deps, 'db' | 'now' | 'config'>,
  asked: PublishRequest,
): Promise<PublishPreview> {
  const { config } = deps;
  const draft = await readDraft(deps.db);
  if (draft === null) throw draftMissing();
  const request = withMessage(asked, draft);
  const { at, ahead } = momentOfPublication(request, deps.now(), config);
  const plan = await planVersion(deps.db, config, {
    document: draft.document,
    gradings: draft.gradings,
    request,
    publishedAt: at,
    ahead,
  });
  const defaults = settleDates({}, plan.facts, plan.clock);
  try {
    return { draft, request, plan, dates: settleDates(request, plan.facts, plan.clock), refusal: null, defaults };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { draft, request, plan, dates: null, refusal: error, defaults };
  }
}

/**
 * The notice that publishing would send, in a language, as its readers would see it; its personal links
 * are samples. Refuses what `publish` would refuse.
 * @param reader `services`: of somebody who uses these alone; without it, of all
 * @param planned what `previewPublish` said of the same request, so that it is not planned anew
 */
export async function previewNotice(
  deps: Pick<Deps, 'db' | 'now' | 'config' | 'texts'>,
  request: PublishRequest,
  reader: SampleReader,
  planned?: PublishPreview,
): Promise<RenderedMail> {
  const input = await inputFor(deps, planned ?? (await previewPublish(deps, request)), sample(deps, reader));
  return renderNotice(input, deps.texts.for(reader.locale));
}

/** The subject of the same notice alone: the whole of it takes longer, where thousands of entries change. */
export async function previewSubject(
  deps: Pick<Deps, 'db' | 'config' | 'texts'>,
  planned: PublishPreview,
  reader: SampleReader,
): Promise<string> {
  return noticeSubject(await inputFor(deps, planned, sample(deps, reader)), deps.texts.for(reader.locale));
}

/** Whether somebody who uses these services alone would be told of anything; null: all services. */
export function concerns({ plan }: PublishPreview, services: readonly string[] | null): boolean {
  return toldChanges(plan, services).length > 0;
}

interface SampleReader {
  locale: string;
  why?: NoticeInput['why'] | undefined;
  services?: readonly string[] | null | undefined;
}

function sample({ config }: Pick<Deps, 'config'>, reader: SampleReader): Reader {
  const { publicUrl } = config;
  return {
    ...reader,
    links: {
      unsubscribe: `${publicUrl}/unsubscribe/sample`,
      preferences: `${publicUrl}/preferences/sample`,
      objection: `${publicUrl}/objections/sample`,
    },
    why: reader.why ?? 'voluntary',
  };
}

/** The same for given links and one of the two sorts of readers. Refuses what `publish` would refuse. */
export async function renderPreview(
  deps: Pick<Deps, 'db' | 'now' | 'config' | 'texts'>,
  request: PublishRequest,
  reader: Reader,
): Promise<RenderedMail> {
  const input = await inputFor(deps, await previewPublish(deps, request), reader);
  return renderNotice(input, deps.texts.for(reader.locale));
}

type Reader = Pick<SampleReader, 'locale' | 'services'> & Pick<NoticeInput, 'links' | 'why'>;

function toldChanges(plan: VersionPlan, services: readonly string[] | null | undefined) {
  return changesInScope(plan.told === null ? plan.changes : plan.netChanges, services ?? null);
}

async function inputFor(
  deps: Pick<Deps, 'db' | 'config'>,
  { draft, request, plan, dates, refusal }: PublishPreview,
  { services, links, why }: Reader,
): Promise<NoticeInput> {
  if (dates === null) throw refusal ?? draftMissing();
  const { publicUrl, companyName, look } = deps.config;
  const changes = toldChanges(plan, services);
  const version = {
    number: plan.number,
    publishedAt: plan.facts.publishedAt,
    effectiveAt: dates.effectiveAt,
    objectionDeadline: dates.objectionDeadline,
    message: request.message || null,
    emergency: request.emergency === true,
    reason: request.reason ?? null,
    corrects: request.corrects ?? null,
    withdrawalReason: null,
  };
  return {
    kind: 'change',
    ...together(version, changes, plan.window === null ? [] : await readTakenOver(deps.db, plan.window)),
    baseVersion: plan.told?.number ?? null,
    changes,
    before: plan.told?.document ?? null,
    after: draft.document,
    company: companyName,
    accent: look.accent,
    publicUrl,
    links,
    why,
  };
}
