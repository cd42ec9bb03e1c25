import type { Texts } from '../../texts.js';
import type { DryRun } from '../../versions/dry-run.js';

/** A dry run in the words of an admin's language, for `templates/pages/admin/dry-run.eta`. */
export interface DryRunView {
  told: string;
  facts: { label: string; lines: string[] }[];
  /** Contacts by contract who would not be told. */
  lost: { title: string; contacts: { email: string; reason: string }[]; more: string | null } | null;
  relayDownSince: Date | null;
  heldSince: Date | null;
}

export function dryRunView(found: DryRun, texts: Texts): DryRunView {
  const t = (key: string, values?: Parameters<Texts['t']>[1]) => texts.t(`before.dryRun.${key}`, values);
  const { recipients, notice } = found;
  const facts = [
    { label: t('changes'), lines: changeLines(found, texts) },
    ...(recipients.total === 0 ? [] : recipientFacts(found, texts)),
    { label: t('notTold'), lines: notToldLines(found, texts) },
    { label: t('unreachable'), lines: unreachableLines(found, texts) },
    {
      label: t('earliest'),
      lines: found.earliestEffectiveAt === null ? [] : [texts.moment(found.earliestEffectiveAt)],
    },
    { label: t('periods'), lines: notice?.ordered === true ? periodLines(found, texts) : [] },
  ];
  return {
    told: recipients.total === 0 ? t('toldNobody') : t('told', { count: recipients.total }),
    facts: facts.filter(({ lines }) => lines.length > 0),
    lost: lostOf(found, texts),
    relayDownSince: found.relay.since,
    heldSince: found.held?.since ?? null,
  };
}

/** Why somebody is not told, as a person says it; a code that is not known yet stays as it is. */
export function reasonText(reason: string, texts: Texts): string {
  const key = `before.reasons.${reason}`;
  return texts.has(key) ? texts.t(key) : reason;
}

function changeLines({ changes }: DryRun, texts: Texts): string[] {
  const parts = (['material', 'reducing', 'editorial'] as const).flatMap((severity) =>
    changes[severity] === 0 ? [] : [texts.t(`before.dryRun.severities.${severity}`, { count: changes[severity] })],
  );
  return parts.length === 0 ? [] : [texts.list(parts)];
}

function recipientFacts({ recipients }: DryRun, texts: Texts): { label: string; lines: string[] }[] {
  const t = (key: string, values?: Parameters<Texts['t']>[1]) => texts.t(`before.dryRun.${key}`, values);
  const { byKind, byGroup, byLocale } = recipients;
  const named = byGroup.some(({ group }) => group !== null);
  return [
    {
      label: texts.t('contacts.kind'),
      lines: byKind.contractual === 0 ? [] : [t('kinds', byKind)],
    },
    {
      label: t('groups'),
      lines: !named
        ? []
        : byGroup.map(({ name, noticeDays, count }) =>
            t('groupDays', { group: name ?? t('noGroup'), count: noticeDays, members: count }),
          ),
    },
    {
      label: t('languages'),
      lines: [
        texts.list(
          Object.entries(byLocale).map(([locale, count]) => t('language', { language: texts.language(locale), count })),
        ),
      ],
    },
  ];
}

function notToldLines({ recipients }: DryRun, texts: Texts): string[] {
  return (['outOfScope', 'notMaterial'] as const).flatMap((why) =>
    recipients[why] === 0 ? [] : [texts.t(`before.dryRun.${why}`, { count: recipients[why] })],
  );
}

function unreachableLines({ unreachable }: DryRun, texts: Texts): string[] {
  return unreachable.map(({ reason, count, contractual }) => {
    const line = texts.t('before.dryRun.unreachableCount', { reason: reasonText(reason, texts), count });
    if (contractual === 0) return line;
    return `${line} (${texts.t('before.dryRun.unreachableContracts', { count: contractual })})`;
  });
}

function periodLines({ noticePeriods }: DryRun, texts: Texts): string[] {
  if (noticePeriods.length === 0) return [];
  const periods = noticePeriods.map((count) => texts.t('before.dryRun.periodDays', { count }));
  if (periods.length === 1) return periods;
  return [texts.t('before.dryRun.periodsLongest', { periods: texts.list(periods) })];
}

function lostOf({ unreachable, lostContacts }: DryRun, texts: Texts): DryRunView['lost'] {
  const count = unreachable.reduce((sum, { contractual }) => sum + contractual, 0);
  if (count === 0) return null;
  const more = count - lostContacts.length;
  return {
    title: texts.t('before.dryRun.contactsTitle', { count }),
    contacts: lostContacts.map(({ email, reason }) => ({ email, reason: reasonText(reason, texts) })),
    more: more > 0 ? texts.t('before.dryRun.contactsMore', { count: more }) : null,
  };
}
