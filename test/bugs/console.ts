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

/** What the console tells of a file of subscribers. */
export interface ConsoleImport {
  /** How many lines came to what: those of the result, or of the preview where nothing takes effect. */
  figures: Readonly<Record<'confirmed' | 'asked' | 'updated' | 'unchanged' | 'skipped' | 'error', number>>;
  /** By number, the words of each line in the preview. */
  lines: ReadonlyMap<number, string>;
  /** The page that refused the file as a whole. */
  refused: Answer | null;
}

/** Pastes a file of subscribers in the console, looks at the preview and puts it into effect. */
export async function importByConsole(console: Console, csv: string): Promise<ConsoleImport> {
  const form = await console.get('/admin/subscribers/import');
  const preview = await console.submit(form, '/admin/subscribers/import', { csv });
  if (preview.status >= 400) return { figures: figuresOf(''), lines: new Map(), refused: preview };
  const apply = /action="(\/admin\/subscribers\/import\/[^"/]+\/apply)"/.exec(preview.body)?.[1];
  const result = apply === undefined ? preview : await console.submit(preview, apply);
  if (result.status >= 400) throw new Error(`putting a file into effect: ${result.status} ${wordsOf(result.body)}`);
  const rows = [...preview.body.matchAll(/<tr role="row">\s*<td[^>]* class="number">(\d+)<[\s\S]*?<\/tr>/g)];
  const lines = rows.map(([row, line]) => [Number(line), wordsOf(row)] as const);
  return { figures: figuresOf(result.body), lines: new Map(lines), refused: null };
}

function figuresOf(html: string): ConsoleImport['figures'] {
  const found = [...html.matchAll(/class="figure-number">([\d,]+)</g)].map(([, digits = '']) =>
    Number(digits.replaceAll(',', '')),
  );
  const [confirmed = 0, asked = 0, updated = 0, unchanged = 0, skipped = 0, error = 0] = found;
  return { confirmed, asked, updated, unchanged, skipped, error };
}
