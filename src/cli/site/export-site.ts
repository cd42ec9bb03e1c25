import { createHash } from 'node:crypto';
import { z } from 'zod';
import { OperatorError } from '../../errors.js';
import { html, markupOf, sentenceHtml } from '../../routes/html.js';
import type { TextSource } from '../../texts.js';
import { askedAs, fileOf, isFile, relativeTo, type SiteAddress, siteAddress } from './addresses.js';
import { replaceSite, type SiteFolder } from './folder.js';
import type { PublicAnswer, PublicPages } from './public-pages.js';
import { linksOf, linksOfCss, rewritePage } from './rewrite.js';

/*
 * A static copy of everything public: each page as the service sends it, with links that lead to the copy's
 * own files, or to the service where only that can answer. The same state gives the same bytes.
 */

/** Far beyond any list that may be published; a link that never ends would be a fault of ours. */
const mostFiles = 500_000;
/** How often it is begun anew when somebody publishes meanwhile. */
const mostTries = 3;

const versionsSchema = z.object({ version: z.number(), announced: z.array(z.object({ version: z.number() })) });

/** Writes the copy. @returns how many files it has. @throws OperatorError */
export async function exportSite(pages: PublicPages, path: string, texts: TextSource): Promise<number> {
  return replaceSite(path, async (folder) => {
    for (let tries = 1; ; tries += 1) {
      const state = await stateOf(pages);
      await copy(pages, folder, texts);
      if ((await stateOf(pages)) === state) return;
      if (tries === mostTries) throw new OperatorError('the list was published again and again meanwhile; try again');
      await folder.clear();
    }
  });
}

/** Another text whenever another state is published. */
async function stateOf(pages: PublicPages): Promise<string> {
  const hash = createHash('sha256');
  for (const address of ['/versions', '/list.json']) {
    const { status, body } = await pages.read(address);
    // Before the first version there is no list, and each refusal is another text.
    hash.update(status === 200 ? body : String(status));
  }
  return hash.digest('hex');
}

async function copy(pages: PublicPages, folder: SiteFolder, texts: TextSource): Promise<void> {
  const base = baseOf(await readOrFail(pages, '/'));
  const locales = { all: texts.locales, default: texts.default };
  const known = new Map<string, SiteAddress>();
  const copied = new Set<string>();
  const waiting: SiteAddress[] = [];
  const want = (address: SiteAddress | null) => {
    if (address === null || known.has(fileOf(address))) return;
    known.set(fileOf(address), address);
    waiting.push(address);
    if (known.size > mostFiles) throw new OperatorError(`more than ${mostFiles} public addresses; this cannot be`);
  };

  const versions = await versionsOf(pages);
  for (const start of ['/', ...successive(versions.latest)]) want({ path: start, locale: null });
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const answer = await readOrFail(pages, askedAs(next), { mayMiss: true });
    // What leads on or is not there stays a link to the service; a page without our kind of name as well.
    if (answer.status !== 200 || (answer.type === 'text/html') === isFile(next.path)) continue;
    const file = fileOf(next);
    await folder.write(file, answer.body);
    copied.add(file);
    const whole = base + askedAs(next);
    for (const link of followed(answer, whole)) want(siteAddress(link, base, locales));
  }

  for (const file of copied) {
    const address = known.get(file);
    if (address === undefined || isFile(address.path)) continue;
    const page = base + askedAs(address);
    const rewritten = rewritePage(await folder.read(file), {
      page,
      link: (link) => {
        const target = siteAddress(link, base, locales);
        return target !== null && copied.has(fileOf(target)) ? relativeTo(file, fileOf(target)) : null;
      },
      note: (locale) => note(texts, locale, page, versions.latest),
    });
    await folder.write(file, rewritten);
  }
}

function followed({ type, body }: PublicAnswer, address: string): URL[] {
  if (type === 'text/html') return linksOf(body.toString('utf8'), address);
  return type === 'text/css' ? linksOfCss(body.toString('utf8'), address) : [];
}

/** That it is a copy, of what, and where the rest is. */
function note(texts: TextSource, locale: string, page: string, latest: number | null): string {
  const { t } = texts.for(locale);
  const link = { page: html`<a href="${page}" rel="external">${page}</a>` };
  const sentence = (key: string, values: Record<string, string>) =>
    sentenceHtml({ ...link, ...values }, (plain) => t(`site.${key}`, plain));
  const text = latest === null ? sentence('copy', {}) : sentence('copyOf', { version: String(latest) });
  return markupOf(html`<p class="notice notice-quiet copy-note">${text}</p>`);
}

/** The service says itself where it is; a copy may be made by another way to it. */
function baseOf({ body }: PublicAnswer): string {
  const canonical = /<link rel="canonical" href="([^"]+)"/.exec(body.toString('utf8'))?.[1] ?? '';
  if (!URL.canParse(canonical)) throw new OperatorError('/: this is no page of the service; name its PUBLIC_URL');
  return new URL(canonical).href.replace(/\/$/, '');
}

/** The highest number that stands; null: nothing was published. */
async function versionsOf(pages: PublicPages): Promise<{ latest: number | null }> {
  const { status, body } = await readOrFail(pages, '/list.json', { mayMiss: true });
  const read = status === 200 ? versionsSchema.safeParse(JSON.parse(body.toString('utf8'))) : null;
  if (read === null || !read.success) return { latest: null };
  return { latest: Math.max(read.data.version, ...read.data.announced.map(({ version }) => version)) };
}

/** Comparisons of each version with the one before. */
function successive(latest: number | null): string[] {
  return Array.from({ length: Math.max(0, (latest ?? 0) - 1) }, (_, index) => `/compare/${index + 1}...${index + 2}`);
}

async function readOrFail(
  pages: PublicPages,
  address: string,
  { mayMiss = false }: { mayMiss?: boolean } = {},
): Promise<PublicAnswer> {
  const answer = await pages.read(address);
  if (answer.status === 200 || (mayMiss && answer.status < 500 && answer.status !== 429)) return answer;
  throw new OperatorError(`${address}: the service answers ${answer.status}; is its address right, and is it running?`);
}
