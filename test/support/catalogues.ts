import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

/*
 * The catalogues of templates/locales as files, and which of their parts readers and subscribers meet.
 */

const root = fileURLToPath(new URL('../../', import.meta.url));
const pluralForms: ReadonlySet<string> = new Set(['zero', 'one', 'two', 'few', 'many', 'other']);

const Node: z.ZodType<Node> = z.lazy(() => z.union([z.string(), z.record(z.string(), Node)]));
type Node = string | { [key: string]: Node };

/** The forms of a text by plural category; a text without plural forms has `other` alone. */
export type TextForms = Readonly<Record<string, string>>;

/** The locales that have a folder. */
export const locales = readdirSync(`${root}templates/locales`).sort();

/** Names of the files of a locale, without their ending. */
export function partsIn(locale: string): string[] {
  return readdirSync(`${root}templates/locales/${locale}`)
    .map((file) => basename(file, '.json'))
    .sort();
}

/** Every text of a locale by its key; plural forms are one text. */
export function textsIn(locale: string): Map<string, { text: TextForms; plural: boolean }> {
  const found = new Map<string, { text: TextForms; plural: boolean }>();
  const collect = (key: string, node: Node): void => {
    if (typeof node === 'string') {
      found.set(key, { text: { other: node }, plural: false });
      return;
    }
    const forms = z.record(z.string(), z.string()).safeParse(node);
    if (forms.success && 'other' in node && Object.keys(node).every((name) => pluralForms.has(name))) {
      found.set(key, { text: forms.data, plural: true });
      return;
    }
    for (const [name, inner] of Object.entries(node)) collect(`${key}.${name}`, inner);
  };
  for (const part of partsIn(locale)) {
    const path = `${root}templates/locales/${locale}/${part}.json`;
    collect(part, Node.parse(JSON.parse(readFileSync(path, 'utf8'))));
  }
  return found;
}

/** Files that only admins and operators meet: the console, the command line, letters to admins. */
const notForReaders: readonly RegExp[] = [
  /^src\/routes\/admin\//,
  /^templates\/pages\/admin\//,
  // The copy as files is for readers.
  /^src\/cli\/(?!site\/)/,
  /^src\/list\/import\//,
  /^src\/mail\/(?:admin|task)-letter\.ts$/,
  /^src\/task-words\.ts$/,
  /^src\/deliverability\/words\.ts$/,
];
/** Texts that a file for everybody takes for admins alone. */
const takenForAdmins: ReadonlySet<string> = new Set(['src/contents.ts tasks']);

/** The parts of which a page for the public, a subscriber's page or their mail takes a text, with such a file. */
export function partsForReaders(): Map<string, string> {
  const keys = [...textsIn('en').keys()];
  const parts = new Map<string, string>();
  for (const path of sourcesForReaders()) {
    const text = readFileSync(`${root}${path}`, 'utf8');
    // Names of deeds in the audit log look alike.
    for (const [, key = ''] of text.matchAll(/(?<!action: )[`'"]([a-z-]+\.[A-Za-z0-9_.-]*)/g)) {
      const part = key.slice(0, key.indexOf('.'));
      if (!takenForAdmins.has(`${path} ${part}`) && keys.some((one) => one === key || one.startsWith(key))) {
        parts.set(part, path);
      }
    }
  }
  return parts;
}

function sourcesForReaders(): string[] {
  return ['src', 'templates/pages', 'templates/mail']
    .flatMap((folder) =>
      readdirSync(`${root}${folder}`, { recursive: true, encoding: 'utf8' }).map(
        (path) => `${folder}/${path.replaceAll('\\', '/')}`,
      ),
    )
    .filter((path) => /\.(?:ts|eta|mjml)$/.test(path) && !notForReaders.some((place) => place.test(path)))
    .sort();
}

export function placeholdersOf(forms: TextForms): string {
  return [...new Set(Object.values(forms).flatMap((text) => text.match(/\{\w+\}/g) ?? []))].sort().join(' ');
}
