import { readRelay } from '../deliveries/relay.js';
import type { Deps } from '../deps.js';
import { Refusal } from '../errors.js';
import { readHold } from '../holds/hold.js';
import type { Severity } from '../list/change.js';
import { type Audience, readAudience } from '../notices/audience.js';
import { readMoment } from './clock.js';
import { type PublishPreview, previewPublish } from './preview.js';
import { readScheduled } from './read.js';
import { publishAtOver, scheduledAlready } from './refusals.js';
import type { NoticeOutcome, PublishRequest } from './version.js';

/** What publishing with a request would come to now. */
export interface DryRun extends Audience {
  /** The number that the version would have; null where there is no draft, or nothing changes. */
  version: number | null;
  /** Whether a notice would go out; null as above. */
  notice: NoticeOutcome | null;
  /** What changes against the latest version, by severity. */
  changes: Record<Severity, number>;
  /** The dates that it would have; null where they are refused. */
  effectiveAt: Date | null;
  objectionDeadline: Date | null;
  /** The first moment at which it may take effect without an emergency. */
  earliestEffectiveAt: Date | null;
  /** What publishing would be refused for; empty: nothing stands against it. */
  refusals: Refusal[];
  /** The relay at this moment: while it is down every mail waits. */
  relay: { down: boolean; since: Date | null; says: string | null };
  /** Since when mail is held until an admin releases it (holds/); null: it is not. */
  held: { since: Date; because: 'gap' | 'copy' } | null;
  /** Until when the notice would wait for further versions to be told along; null: it would go at once. */
  quietUntil: Date | null;
  /** The version that waits for its quiet time to end, and would be told by this notice. */
  takesOver: number | null;
}

/**
 * What `publish` would do with the same request now, and whom it would tell: same comparison, same dates,
 * same choice of recipients. Nothing is written and nothing is locked. Whatever would be refused is in the
 * answer instead of being thrown, all of it at once.
 */
export async function dryRun(deps: Pick<Deps, 'db' | 'now' | 'config'>, request: PublishRequest): Promise<DryRun> {
  return (await checkPublish(deps, request)).found;
}

/** The same with the plan that it rests on; null where there is nothing to publish. */
export async function checkPublish(
  deps: Pick<Deps, 'db' | 'now' | 'config'>,
  request: PublishRequest,
): Promise<{ found: DryRun; preview: PublishPreview | null }> {
  const { db, config } = deps;
  const refusals: Refusal[] = [];
  const scheduled = await readScheduled(db);
  if (scheduled !== null) refusals.push(scheduledAlready(scheduled));
  const preview = await previewOrNull(deps, withMoment(deps, request, refusals), refusals);

  const notice = preview?.plan.notice ?? null;
  const told = preview !== null && notice?.ordered === true ? preview.plan.netChanges : null;
  const audience = await readAudience(db, told, config);
  const [relay, hold] = [await readRelay(deps), await readHold(db)];
  const found: DryRun = {
    ...audience,
    version: preview?.plan.number ?? null,
    notice,
    changes: countBySeverity(preview),
    effectiveAt: preview?.dates?.effectiveAt ?? null,
    objectionDeadline: preview?.dates?.objectionDeadline ?? null,
    earliestEffectiveAt: preview?.defaults.earliest ?? null,
    refusals,
    relay: { down: relay.downSince !== null, since: relay.downSince, says: relay.fault },
    held: hold === null ? null : { since: hold.since, because: hold.because },
    quietUntil: (notice?.ordered === true ? notice.sendAfter : null) ?? null,
    takesOver: told === null ? null : (preview?.plan.window?.carrier ?? null),
  };
  return { found, preview };
}

/** The request with a time to publish that can be reckoned with; one that cannot is refused and left out. */
function withMoment(
  { config, now }: Pick<Deps, 'now' | 'config'>,
  request: PublishRequest,
  refusals: Refusal[],
): PublishRequest {
  const { publishAt, ...atOnce } = request;
  if (publishAt === undefined) return request;
  try {
    const over = publishAtOver(readMoment('publishAt', publishAt, config.timeZone), now());
    if (over === null) return request;
    refusals.push(over);
  } catch (error) {
    note(error, refusals);
  }
  return atOnce;
}

/** Null: there is nothing to publish, which is among the refusals. */
async function previewOrNull(
  deps: Pick<Deps, 'db' | 'now' | 'config'>,
  request: PublishRequest,
  refusals: Refusal[],
): Promise<PublishPreview | null> {
  try {
    const preview = await previewPublish(deps, request);
    if (preview.refusal !== null) refusals.push(preview.refusal);
    return preview;
  } catch (error) {
    note(error, refusals);
    if (!(error instanceof Refusal)) return null;
    // With any reason at all, or without naming what it corrects, the rest can be told.
    if (error.code === 'reason.missing') return previewOrNull(deps, { ...request, reason: '-' }, refusals);
    if (error.code !== 'version.not-correctable') return null;
    const { corrects: _, ...rest } = request;
    return previewOrNull(deps, rest, refusals);
  }
}

function note(error: unknown, refusals: Refusal[]): void {
  if (!(error instanceof Refusal)) throw error;
  refusals.push(error);
}

function countBySeverity(preview: PublishPreview | null): Record<Severity, number> {
  const counts: Record<Severity, number> = { material: 0, reducing: 0, editorial: 0 };
  for (const { severity } of preview?.plan.changes ?? []) counts[severity] += 1;
  return counts;
}
