import type { Account, AccountItem } from '../list/describe.js';

/** PURE. The changes of an account as lines of a terminal. */
export function accountLines(account: Account, { reasons = false }: { reasons?: boolean } = {}): string[] {
  return [
    account.summary,
    ...account.groups.flatMap((group) => [
      '',
      group.heading,
      ...group.items.flatMap((item) => itemLines(item, reasons)).map((line) => `  ${line}`),
    ]),
  ];
}

function itemLines(item: AccountItem, reasons: boolean): string[] {
  const facts = item.facts.map(({ label, values }) => `  ${label}: ${values.join('; ')}`);
  const differences = item.differences.map(({ label, before, after, added, removed }) => {
    const parts = [...added.map((value) => `+ ${value}`), ...removed.map((value) => `- ${value}`)];
    const values = `${before?.join('; ') ?? '–'} → ${after?.join('; ') ?? '–'}`;
    return `  ${label}: ${parts.length > 0 ? parts.join('; ') : values}`;
  });
  const graded = item.graded === null ? [] : [`  ${item.graded}`];
  const why = reasons && item.reasons.length > 0 ? [`  (${item.reasons.join('; ')})`] : [];
  return [`${item.label}: ${item.heading}`, ...facts, ...differences, ...why, ...graded];
}
