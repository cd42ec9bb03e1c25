import type { Look } from '../look.js';
import type { Texts } from '../texts.js';
import { type Block, letterMail } from './letter-blocks.js';
import type { RenderedMail } from './message.js';

/** The letter to those who answer for what is published: what waits for them in the console. */
export interface TaskLetterInput {
  kind: 'admin-tasks';
  company: string;
  /** Without a slash at its end. */
  publicUrl: string;
  /** What sort of thing waits, and how often: as they are told in that language. */
  counts: readonly { label: string; count: number }[];
  /** The first of them, in sentences. */
  tasks: readonly { title: string; todo: string }[];
  /** How many there are beyond those. */
  more: number;
  /** Of links and buttons; absent or null: ours. */
  accent?: Look['accent'];
}

/** One letter for any number of tasks. It has no way to unsubscribe: who has the role gets it. */
export function taskLetter(input: TaskLetterInput, texts: Texts): Promise<RenderedMail> {
  const { company, publicUrl, counts, tasks, more } = input;
  const count = counts.reduce((sum, one) => sum + one.count, 0);
  const t = (key: string, values: Record<string, string | number> = {}) =>
    texts.t(`tasks.letter.${key}`, { company, count, ...values });
  const blocks: Block[] = [
    { kind: 'paragraph', text: t('lead') },
    { kind: 'facts', facts: counts.map((one) => ({ label: one.label, value: texts.number(one.count) })) },
    { kind: 'button', text: t('button'), url: `${publicUrl}/admin/tasks` },
    { kind: 'heading', text: t('tasks') },
    // Paragraphs, as an item takes its direction from its first word, which may be a name in another one.
    ...[...tasks.map((task) => t('line', { ...task })), ...(more > 0 ? [t('more', { count: more })] : [])].map(
      (text): Block => ({ kind: 'paragraph', text }),
    ),
  ];
  const roles = { publisher: texts.t('console.roles.publisher'), admin: texts.t('console.roles.admin') };
  const footer = { links: [], lines: [t('why', roles)], company, url: publicUrl };
  const letter = { subject: t('subject'), masthead: t('masthead'), title: t('title'), blocks, footer };
  return letterMail(letter, texts, input.accent);
}
