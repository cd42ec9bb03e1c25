import { fieldsOf } from '../admin/support.js';
import type { Service } from '../support/process.js';
import { type Answer, send, sendForm, wordsOf } from './outside.js';

/** Settings by which a service has an admin who signs in with a password. */
export const adminEnv = { ADMIN_EMAIL: 'officer@example.org', ADMIN_PASSWORD: 'four quiet words here' };

/** The console in a browser without script: it keeps cookies, fills in forms and follows redirects. */
export interface Console {
  get(path: string): Promise<Answer>;
  /** Sends the form of a page that leads to `action`, with its hidden fields; the page that comes of it. */
  submit(page: Answer, action: string, fields?: Readonly<Record<string, string>>): Promise<Answer>;
}

/** Opens the console of a service that has `adminEnv`, and signs in. */
export async function openConsole(service: Pick<Service, 'url'>): Promise<Console> {
  const cookies = new Map<string, string>();
  const headers = () => ({ cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') });
  const keep = async (answer: Answer): Promise<Answer> => {
    for (const line of answer.headers['set-cookie'] ?? []) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '') cookies.delete(name);
      else cookies.set(name, value);
    }
    if (answer.status !== 303) return answer;
    const { pathname, search } = new URL(answer.headers.location ?? '', service.url);
    return visitor.get(pathname + search);
  };
  const visitor: Console = {
    get: async (path) => keep(await send(service.url + path, { headers: headers() })),
    submit: async (page, action, fields = {}) =>
      keep(await sendForm(service.url + action, { ...fieldsOf(page.body, action), ...fields }, headers())),
  };
  const page = await visitor.submit(await visitor.get('/admin/sign-in'), '/admin/sign-in', {
    email: adminEnv.ADMIN_EMAIL,
    password: adminEnv.ADMIN_PASSWORD,
  });
  if (page.status !== 200) throw new Error(`signing in: ${page.status} ${page.body}`);
  return visitor;
}

/**
 * Pastes a file of subscribers in the console and goes on to the end, by way of whatever page asks first.
 * @returns the words of the pages that came of it, and the first one that was refused
 */
export async function importByConsole(
  console: Console,
  csv: string,
): Promise<{ words: string; refused: Answer | null }> {
  const importForm = /<form[^>]* action="(\/admin\/subscribers\/import[^"]*)"/g;
  const withoutQuestion = ({ body }: Answer) =>
    [...body.matchAll(importForm)].flatMap(({ 1: action = '', index }) =>
      /<textarea|type="file"/.test(body.slice(index).split('</form>')[0] ?? '') ? [] : [action],
    )[0];
  let page = await console.submit(await findImportForm(console), '/admin/subscribers/import', { csv });
  let words = wordsOf(page.body);
  for (let steps = 0; steps < 5 && page.status < 400; steps += 1) {
    const action = withoutQuestion(page);
    if (action === undefined) break;
    page = await console.submit(page, action);
    words = `${words} ${wordsOf(page.body)}`;
  }
  return { words, refused: page.status >= 400 ? page : null };
}

/** Where the form is that a file is pasted into. */
async function findImportForm(console: Console): Promise<Answer> {
  for (const path of ['/admin/subscribers/import', '/admin/subscribers']) {
    const page = await console.get(path);
    if (page.status === 200 && page.body.includes('action="/admin/subscribers/import"')) return page;
  }
  throw new Error('the console has no form to import subscribers');
}
