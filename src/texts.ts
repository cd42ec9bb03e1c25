import { readdirSync, readFileSync } from 'node:fs';
import { z } from 'zod';

/*
 * Every word that a reader meets: catalogues in templates/locales/<locale>/<part>.json, dates,
 * lists, plurals, countries and languages by Intl. A key is `<part>.<path>`, such as
 * `mail.footer.imprint`. A locale may leave out the parts that only admins meet: then its readers get
 * all of theirs in it, and the console is not offered in it.
 */

/** The texts of one language. All times are shown in TIME_ZONE. */
export interface Texts {
  /** BCP 47, such as `de`: the value of `lang`. */
  locale: string;
  dir: 'ltr' | 'rtl';
  /**
   * A text with its `{placeholders}` filled. Where the catalogue holds plural forms, `count` picks
   * one. An unknown key or a missing value throws: it is a fault of ours.
   */
  t(key: string, values?: TextValues): string;
  has(key: string): boolean;
  /** "a, b and c" */
  list(items: readonly string[]): string;
  /** The country's name for an ISO 3166-1 code; an unknown code is shown as it is. */
  country(code: string): string;
  /** The language's name for a BCP 47 tag: "German"; an unknown tag is shown as it is. */
  language(tag: string): string;
  number(n: number): string;
  /** The calendar day, such as "1 March 2027". */
  day(at: Date): string;
  /** The day that ENDS at that instant: a deadline at 00:00 on 2 March is the end of 1 March. */
  lastDay(end: Date): string;
  /** Day, time and zone, such as "1 March 2027 at 14:05 CET". */
  moment(at: Date): string;
  /** The short name of the zone at that instant, such as "CET". */
  zone(at: Date): string;
}

export type TextValues = Readonly<Record<string, string | number>>;

export interface TextSource {
  /** Of everything that readers and subscribers meet. */
  locales: string[];
  /** Those of them in which the console and the letters to admins are whole. */
  consoleLocales: string[];
  default: 'en';
  /** Texts of a locale; an unknown locale gets its language's, else the default's. */
  for(locale: string): Texts;
  /** Texts for an admin: of the locale if the console has it, else as `for` finds one among those it has. */
  forConsole(locale: string): Texts;
  /**
   * The best locale for an Accept-Language header (RFC 9110, 12.5.4).
   * @param among of these; without them of all
   */
  negotiate(acceptLanguage: string | undefined, among?: readonly string[]): string;
}

export interface TextOptions {
  /** IANA name of the zone in which every time is shown. */
  timeZone: string;
  /** Locales that no folder holds, each made from the English texts: for tests of what a language may do. */
  made?: Readonly<Record<string, (english: string) => string>>;
}

type CatalogueNode = string | { [key: string]: CatalogueNode };
const nodeSchema: z.ZodType<CatalogueNode> = z.lazy(() => z.union([z.string(), z.record(z.string(), nodeSchema)]));
const partSchema = z.record(z.string(), nodeSchema);
const form = z.string().optional();
const formsSchema = z.strictObject({ zero: form, one: form, two: form, few: form, many: form, other: z.string() });
type Forms = z.infer<typeof formsSchema>;
type Catalogue = Map<string, string | Forms>;

const defaultLocale = 'en';
// "1 March 2027" rather than "March 1, 2027": the notices go to Europe first.
const formatLocales: Readonly<Record<string, string>> = { en: 'en-GB', pt: 'pt-PT' };
const rightToLeft: ReadonlySet<string> = new Set(['ar', 'ckb', 'dv', 'fa', 'he', 'ps', 'sd', 'ug', 'ur', 'yi']);

/** Reads all catalogues from templates/locales, once, at the start. */
export function loadTexts({ timeZone, made = {} }: TextOptions): TextSource {
  const root = new URL('../templates/locales/', import.meta.url);
  const folders = readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
  const catalogues = new Map(folders.sort().map((locale) => [locale, readCatalogue(new URL(`${locale}/`, root))]));
  const fallback = catalogues.get(defaultLocale);
  if (!fallback) throw new Error(`templates/locales/${defaultLocale} is missing`);
  for (const [locale, make] of Object.entries(made)) catalogues.set(locale, remade(fallback, make));

  const locales = [...catalogues.keys()];
  const parts = partsOf(fallback);
  const consoleLocales = [...catalogues]
    .filter(([, catalogue]) => partsOf(catalogue).size === parts.size)
    .map(([locale]) => locale);
  const texts = new Map(
    [...catalogues].map(([locale, catalogue]) => [locale, makeTexts(locale, catalogue, fallback, timeZone)]),
  );
  const inDefault = makeTexts(defaultLocale, fallback, fallback, timeZone);
  const known = (locale: string, among: readonly string[]) => {
    const lower = locale.toLowerCase();
    return among.find((one) => one.toLowerCase() === lower) ?? among.find((one) => one === lower.split('-')[0]);
  };
  const find = (locale: string, among: readonly string[]) =>
    texts.get(known(locale, among) ?? defaultLocale) ?? inDefault;
  return {
    locales,
    consoleLocales,
    default: defaultLocale,
    for: (locale) => find(locale, locales),
    forConsole: (locale) => find(locale, consoleLocales),
    negotiate: (header, among = locales) =>
      wishes(header)
        .map((wish) => known(wish, among))
        .find(Boolean) ?? defaultLocale,
  };
}

/** The direction in which a language is written, by its BCP 47 tag. */
export function directionOf(tag: string): 'ltr' | 'rtl' {
  return rightToLeft.has(tag.split('-')[0] ?? tag) ? 'rtl' : 'ltr';
}

/** Files of which a catalogue was read. */
function partsOf(catalogue: Catalogue): ReadonlySet<string> {
  return new Set([...catalogue.keys()].map((key) => key.slice(0, key.indexOf('.'))));
}

function remade(catalogue: Catalogue, make: (text: string) => string): Catalogue {
  const each = (text: string | undefined) => (text === undefined ? undefined : make(text));
  const forms = ({ zero, one, two, few, many, other }: Forms): Forms => ({
    ...{ zero: each(zero), one: each(one), two: each(two), few: each(few), many: each(many) },
    other: make(other),
  });
  return new Map([...catalogue].map(([key, text]) => [key, typeof text === 'string' ? make(text) : forms(text)]));
}

function readCatalogue(folder: URL): Catalogue {
  const catalogue: Catalogue = new Map();
  for (const name of readdirSync(folder).sort()) {
    if (!name.endsWith('.json')) continue;
    const file = new URL(name, folder);
    const parsed = partSchema.safeParse(JSON.parse(readFileSync(file, 'utf8')));
    if (!parsed.success) throw new Error(`${file.pathname}: ${z.prettifyError(parsed.error)}`);
    flatten(name.slice(0, -'.json'.length), parsed.data, catalogue);
  }
  return catalogue;
}

function flatten(prefix: string, node: CatalogueNode, into: Catalogue): void {
  if (typeof node === 'string') {
    into.set(prefix, node);
    return;
  }
  const forms = formsSchema.safeParse(node);
  if (forms.success) {
    into.set(prefix, forms.data);
    return;
  }
  for (const [key, value] of Object.entries(node)) flatten(`${prefix}.${key}`, value, into);
}

function makeTexts(locale: string, catalogue: Catalogue, fallback: Catalogue, timeZone: string): Texts {
  const formatLocale = formatLocales[locale] ?? locale;
  const plurals = new Intl.PluralRules(formatLocale);
  const numbers = new Intl.NumberFormat(formatLocale);
  const lists = new Intl.ListFormat(formatLocale, { style: 'long', type: 'conjunction' });
  const languages = new Intl.DisplayNames(formatLocale, { type: 'language', fallback: 'code' });
  const regions = new Intl.DisplayNames(formatLocale, { type: 'region', fallback: 'code' });
  const countries = new Map<string, string>();
  const days = new Intl.DateTimeFormat(formatLocale, { dateStyle: 'long', timeZone });
  const moments = new Intl.DateTimeFormat(formatLocale, {
    day: 'numeric',
    month: 'long',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    timeZoneName: 'short',
    timeZone,
  });
  const zones = new Intl.DateTimeFormat(formatLocale, { timeZoneName: 'short', timeZone });

  const find = (key: string) => catalogue.get(key) ?? fallback.get(key);
  return {
    locale,
    dir: directionOf(locale),
    has: (key) => find(key) !== undefined,
    t: (key, values = {}) => {
      const found = find(key);
      if (found === undefined) throw new Error(`no text "${key}"`);
      return fill(key, typeof found === 'string' ? found : pick(key, found, values), values);
    },
    list: (items) => lists.format(items),
    country: (code) => countries.get(code) ?? countryOf(code),
    language: (tag) => nameOf(languages, tag),
    number: (n) => numbers.format(n),
    day: (at) => dated(days, at),
    lastDay: (end) => dated(days, new Date(end.getTime() - 1)),
    moment: (at) => dated(moments, at),
    zone: (at) => zones.formatToParts(at).find((part) => part.type === 'timeZoneName')?.value ?? timeZone,
  };

  // Asked of Intl once a country, and not once an entry.
  function countryOf(code: string): string {
    if (!/^[A-Z]{2}$/.test(code)) return code;
    const name = regions.of(code) ?? code;
    countries.set(code, name);
    return name;
  }

  // "1er mars" in French: what CLDR's patterns do not know, the catalogue says.
  function dated(format: Intl.DateTimeFormat, at: Date): string {
    const first = find('list.firstOfMonth');
    if (typeof first !== 'string' || first === '1') return format.format(at);
    const parts = format.formatToParts(at);
    return parts.map(({ type, value }) => (type === 'day' && value === '1' ? first : value)).join('');
  }

  function pick(key: string, forms: Forms, values: TextValues): string {
    const { count } = values;
    if (typeof count !== 'number') throw new Error(`text "${key}" has plural forms and needs a number as count`);
    return forms[plurals.select(count)] ?? forms.other;
  }

  function fill(key: string, text: string, values: TextValues): string {
    // A function as replacement: a value such as "$&" stays as it is.
    return text.replace(/\{(\w+)\}/g, (_, name: string) => {
      const value = values[name];
      if (value === undefined) throw new Error(`text "${key}" needs a value for {${name}}`);
      return typeof value === 'number' ? numbers.format(value) : value;
    });
  }
}

/** Intl throws at what is no tag, and what is stored may be none. */
function nameOf(names: Intl.DisplayNames, tag: string): string {
  try {
    return names.of(tag) ?? tag;
  } catch {
    return tag;
  }
}

/** The language ranges of an Accept-Language header, the dearest first; `*` and q=0 are left out. */
function wishes(header: string | undefined): string[] {
  if (!header) return [];
  return header
    .slice(0, 1_000)
    .split(',')
    .flatMap((part) => {
      const [range = '', ...parameters] = part.trim().split(';');
      const q = parameters.map((parameter) => /^\s*q=([01](?:\.\d{0,3})?)\s*$/i.exec(parameter)?.[1]).find(Boolean);
      return range && range !== '*' ? [{ range, q: q === undefined ? 1 : Number(q) }] : [];
    })
    .filter((wish) => wish.q > 0)
    .sort((a, b) => b.q - a.q)
    .map((wish) => wish.range);
}
