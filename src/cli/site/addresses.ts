/*
 * PURE. Which public addresses become files of a static copy, under which names, and how one file names another.
 */

/** An address of the service that a copy holds: a page in one language, or a file. */
export interface SiteAddress {
  /** Below PUBLIC_URL, without query, such as `/versions/3`. */
  path: string;
  /** Null: the one that a reader gets who asks for none. */
  locale: string | null;
}

export interface SiteLocales {
  all: readonly string[];
  default: string;
}

/** What needs the service, what has no end (each day, each search), and what leads on. */
const liveOnly =
  /^\/(?:admin|api|at|compare|confirm|dev|embed|feed|healthz|metrics|objections|preferences|readyz|subscribe|unsubscribe)(?:\/|$)/;
const comparison = /^\/compare\/(\d+)\.\.\.(\d+)(?:\.[a-z]+)?$/;

/**
 * The address that a link of the service leads to; null: it leads elsewhere, or to what stays at the service.
 * @param link whole, without fragment
 * @param base PUBLIC_URL, without a slash at its end
 */
export function siteAddress(link: URL, base: string, locales: SiteLocales): SiteAddress | null {
  const { origin, pathname } = new URL(base);
  const basePath = pathname.replace(/\/$/, '');
  if (link.origin !== origin || !`${link.pathname}/`.startsWith(`${basePath}/`)) return null;
  const path = link.pathname.slice(basePath.length) || '/';
  const [, from, to] = comparison.exec(path) ?? [];
  // Backwards there are as many again, and nobody is told of a change that way.
  if (from === undefined ? liveOnly.test(path) : Number(from) >= Number(to)) return null;
  if (!isPlain(path)) return null;
  const { lang, ...others } = Object.fromEntries(link.searchParams);
  if (Object.keys(others).length > 0 || (lang !== undefined && !locales.all.includes(lang))) return null;
  const spoken = lang !== undefined && lang !== locales.default && !path.startsWith('/assets/');
  return { path, locale: spoken ? lang : null };
}

/** The query that asks the service for it. */
export function askedAs({ path, locale }: SiteAddress): string {
  return locale === null ? path : `${path}?lang=${encodeURIComponent(locale)}`;
}

/** The file of a page is `index.html` in a folder of its name, so that a plain server has it at its own address. */
export function fileOf({ path, locale }: SiteAddress): string {
  const name = path.replace(/^\/|\/$/g, '');
  const folder = locale === null ? '' : `${locale}/`;
  if (isFile(path)) return folder + name;
  return `${folder}${name === '' ? '' : `${name}/`}index.html`;
}

/** Whether the address is that of a file, told by its ending; the rest are pages. */
export function isFile(path: string): boolean {
  return /\.[a-z][a-z0-9]*$/.test(path);
}

/** How one file of the copy names another: it holds wherever the copy is put, and without a server. */
export function relativeTo(from: string, to: string): string {
  const [here, there] = [from.split('/').slice(0, -1), to.split('/')];
  let same = 0;
  while (same < here.length && same < there.length - 1 && here[same] === there[same]) same += 1;
  const way = [...here.slice(same).map(() => '..'), ...there.slice(same)].join('/');
  return way.split('/').map(encodeURIComponent).join('/');
}

/** Names that every file system and server takes as they are. */
function isPlain(path: string): boolean {
  const parts = path.replace(/^\/|\/$/g, '').split('/');
  return path === '/' || parts.every((part) => /^[\w.-]+$/.test(part) && !/^\.{1,2}$/.test(part));
}
