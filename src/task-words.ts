import { maskAddress } from './mail/address.js';
import { isolated } from './mail/mjml.js';
import type { Task } from './tasks/task.js';
import type { Texts } from './texts.js';

export interface TaskWords {
  /** What happened, to whom. */
  title: string;
  /** What an admin is to do. */
  todo: string;
}

/**
 * A task in the words of the language, for the console and for letters.
 * @param address `masked` in mail, which gets forwarded
 */
export function wordsOfTask(task: Task, texts: Texts, address: 'full' | 'masked'): TaskWords {
  const { response } = task.detail;
  const values = {
    domain: isolated(task.subject.replace(/^domain /, ''), texts),
    words: typeof response === 'string' ? isolated(response, texts) : '',
    who: whoOf(task, texts, address),
    number: /\d+$/.exec(task.subject)?.[0] ?? '',
    version: typeof task.detail.version === 'number' ? String(task.detail.version) : '',
  };
  return {
    title: texts.t(`tasks.kinds.${task.kind}.title`, values),
    todo: texts.t(`tasks.kinds.${task.kind}.todo`, values),
  };
}

function whoOf({ kind, subscriber, detail }: Task, texts: Texts, show: 'full' | 'masked'): string {
  if (subscriber === null) {
    const { company } = detail;
    if (typeof company === 'string') return texts.t('tasks.who.erasedOf', { company: isolated(company, texts) });
    return texts.t(kind === 'objection' ? 'tasks.who.gone' : 'tasks.who.erased');
  }
  const address = show === 'masked' ? maskAddress(subscriber.email) : subscriber.email;
  if (subscriber.company === null) return isolated(address, texts);
  return texts.t('tasks.who.full', { company: isolated(subscriber.company, texts), address: isolated(address, texts) });
}
