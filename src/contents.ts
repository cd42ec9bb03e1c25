import { z } from 'zod';
import { linkLetterData } from './admins/links.js';
import { toldDeeds } from './admins/tell.js';
import type { Content, ContentOf, DeliveryAtHand, LetterKind } from './deliveries/delivery.js';
import type { Deps } from './deps.js';
import { summarise } from './list/describe.js';
import { changesInScope } from './list/scope.js';
import { toldChanges } from './list/translation-diff.js';
import type { Look } from './look.js';
import { type LetterInput, type OpenWindow, renderLetter } from './mail/letters.js';
import { prepareMessage, slottedLinks } from './mail/message.js';
import { createNoticeContent } from './notices/content.js';
import { untoldVersions } from './notices/quiet.js';
import { receiptData } from './objections/receipt.js';
import { addressChangedData, confirmationData, manageLinkData, subscriberLinks } from './subscribers/letters.js';
import { lifeOf } from './subscribers/validity.js';
import { wordsOfTask } from './task-words.js';
import { digestData } from './tasks/digest.js';
import { readBoard, readVersions } from './versions/read.js';
import { testNoticeContent } from './versions/test-notice.js';

/*
 * What is in a delivery, by its kind. The outbox knows kinds and ids only, and the features that order
 * letters do not know how mail is made: here the two meet, at the moment when the mail goes.
 */

/** What a letter says, without what is the same in all of them. */
type Letter = LetterInput extends infer Input ? (Input extends unknown ? Omit<Input, keyof Frame> : never) : never;
type Frame = { company: string; publicUrl: string; contact: string; accent: Look['accent'] };
const linkParams = z.object({ linkId: z.number() });
const changedParams = z.object({ deed: z.enum(toldDeeds), at: z.iso.datetime() });
type LetterOf = (delivery: DeliveryAtHand) => Promise<Letter | null>;

/** The content of every kind of delivery. */
export function createContents(deps: Deps): ContentOf {
  const noticeContent = createNoticeContent(deps);
  const letters = lettersOf(deps);
  return (delivery) => {
    if (delivery.kind === 'notice') return noticeContent(delivery);
    if (delivery.kind === 'test-notice') return testNoticeContent(deps, delivery);
    return letterContent(deps, letters[delivery.kind], delivery);
  };
}

async function letterContent(deps: Deps, letterOf: LetterOf, delivery: DeliveryAtHand): Promise<Content | null> {
  const { config, texts } = deps;
  const letter = await letterOf(delivery);
  if (letter === null) return null;
  const { companyName: company, look, publicUrl, mailFrom, mailReplyTo } = config;
  const rendered = await renderLetter(
    { ...letter, company, publicUrl, contact: mailReplyTo ?? mailFrom.address, accent: look.accent },
    texts.for(delivery.locale),
  );
  // The welcome comes because of the subscription, so it ends with one click as notices do.
  const list = letter.kind === 'welcome' ? { list: { publicUrl } } : {};
  return {
    message: await prepareMessage(rendered, {
      from: mailFrom,
      ...(mailReplyTo === null ? {} : { replyTo: mailReplyTo }),
      ...list,
    }),
    slots: delivery.subscriberId === null ? {} : subscriberLinks(config, delivery.subscriberId),
  };
}

/** Null: there is nothing left to say. */
function lettersOf(deps: Deps): Record<Exclude<LetterKind, 'test-notice'>, LetterOf> {
  const { config, db, texts } = deps;
  const { publicUrl } = config;
  const adminLink = (kind: 'admin-invitation' | 'admin-reset', path: string): LetterOf => {
    return async ({ params }) => {
      const data = await linkLetterData(deps, linkParams.parse(params).linkId);
      if (data === null) return null;
      const { token, role, lifeMinutes: validMinutes } = data;
      return { kind, url: `${publicUrl}/admin/${path}/${token}`, role, validMinutes };
    };
  };
  return {
    confirmation: async ({ params, subscriberId }) => {
      const data = await confirmationData(deps, params);
      if (data === null || subscriberId === null) return null;
      const confirmUrl = `${publicUrl}/confirm/${data.token}`;
      const validHours = hours(lifeOf[data.purpose]);
      return data.purpose === 'confirm'
        ? {
            kind: 'confirmation',
            confirmUrl,
            notMeUrl: `${publicUrl}/unsubscribe/${subscriberLinks(config, subscriberId).unsubscribe}`,
            requestedAt: data.requestedAt,
            validHours,
          }
        : { kind: 'address-changed', step: 'confirm', confirmUrl, validHours };
    },
    'already-subscribed': async ({ subscriberId }) =>
      subscriberId === null
        ? null
        : {
            kind: 'already-subscribed',
            preferencesUrl: `${publicUrl}/preferences/${subscriberLinks(config, subscriberId).preferences}`,
          },
    welcome: async ({ services, why }) => ({
      kind: 'welcome',
      why,
      ...(await readStanding(deps, services)),
      links: slottedLinks(publicUrl),
    }),
    'manage-link': async ({ params }) => {
      const data = await manageLinkData(deps, params);
      if (data === null) return null;
      return { kind: 'manage-link', manageUrl: `${publicUrl}/manage/${data.token}`, validHours: hours(lifeOf.manage) };
    },
    'address-changed': async ({ params }) => {
      const data = await addressChangedData(deps, params);
      return data === null ? null : { kind: 'address-changed', step: 'done', ...data };
    },
    'objection-receipt': async ({ params, locale }) => {
      const data = await receiptData(db, params);
      if (data === null) return null;
      const { version, receivedAt, late, grounds } = data.objection;
      return {
        kind: 'objection-receipt',
        version,
        summary: summarise(data.changes, texts.for(locale)),
        effectiveAt: data.effectiveAt,
        receivedAt,
        late,
        grounds,
        versionUrl: `${publicUrl}/versions/${version}`,
      };
    },
    'admin-invitation': adminLink('admin-invitation', 'invitation'),
    'admin-reset': adminLink('admin-reset', 'reset'),
    'admin-changed': async ({ params }) => {
      const { deed, at } = changedParams.parse(params);
      return { kind: 'admin-changed', deed, at: new Date(at) };
    },
    'admin-tasks': async ({ params, locale }) => {
      const data = await digestData(db, params);
      if (data === null) return null;
      const words = texts.for(locale);
      return {
        kind: 'admin-tasks',
        counts: data.counts.map(({ kind, count }) => ({ label: words.t(`tasks.kinds.${kind}.name`), count })),
        tasks: data.tasks.map((task) => wordsOfTask(task, words, 'masked')),
        more: data.more,
      };
    },
  };
}

/**
 * How the list stands for somebody who joins now: what is in force, and what was announced before they
 * came, of which no notice will tell them. A version in force whose window is still open (an emergency)
 * is among it; what waits in its quiet time is not, as its notice will reach them.
 */
async function readStanding(deps: Deps, services: string[] | null) {
  const now = deps.now();
  const { inForce, announced } = await readBoard(deps.db, now);
  const untold = await untoldVersions(deps.db, inForce?.number ?? null);
  const standing = (await readVersions(deps.db, now)).filter(({ withdrawnAt }) => withdrawnAt === null);
  const open = inForce !== null && (inForce.objectionDeadline ?? now) > now ? [inForce, ...announced] : announced;
  const windows = open.flatMap((version): OpenWindow[] => {
    const changes = changesInScope(toldChanges(version.changes), services);
    if (changes.length === 0 || untold.has(version.number)) return [];
    // Newest first: the next lower one is what it was compared with when it was published.
    const comparedWith = standing.find(({ number }) => number < version.number)?.number ?? null;
    const { number, effectiveAt, objectionDeadline } = version;
    return [{ version: number, changes, effectiveAt, objectionDeadline, comparedWith }];
  });
  const list =
    inForce === null
      ? null
      : { version: inForce.number, vendors: inForce.document.subProcessors.map(({ name }) => name) };
  return { list, windows };
}

function hours(milliseconds: number): number {
  return Math.round(milliseconds / 3_600_000);
}
