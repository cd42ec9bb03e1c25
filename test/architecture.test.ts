import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { locales, partsForReaders, partsIn, placeholdersOf, textsIn } from './support/catalogues.js';

/*
 * The house rules that a program can check. What is written here is what docs/architecture.md says of
 * where things belong; a rule that hinders gets changed here, in the open.
 */

const root = fileURLToPath(new URL('../', import.meta.url));

interface Import {
  /** Path below src/ with its ending, or the name of a package. */
  target: string;
  inside: boolean;
  typeOnly: boolean;
}

interface Source {
  path: string;
  text: string;
  imports: Import[];
  isPure: boolean;
}

const sources = readdirSync(`${root}src`, { recursive: true, encoding: 'utf8' })
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => path.endsWith('.ts'))
  .map(readSource);
const bySource = new Map(sources.map((source) => [source.path, source]));

/** Each may import from those to its right and from what all may import; never to its left. */
const features = [
  'objections',
  'deliverability',
  'versions',
  'admins',
  'notices',
  'bounces',
  'subscribers',
  'deliveries',
  'holds',
  'tasks',
  'audit',
];
/** May be imported by everything: no behaviour of their own. */
const ground = [
  'errors.ts',
  'actor.ts',
  'config.ts',
  'settings.ts',
  'colour.ts',
  'look.ts',
  'svg.ts',
  'hmac.ts',
  'spreadsheet.ts',
  'deps.ts',
  'texts.ts',
];

/** What a file of a place may import, beside files of the same place and the ground. */
function mayImport(from: string, to: string): boolean {
  const [here, there] = [placeOf(from), placeOf(to)];
  if (here === there || ground.includes(to)) return true;
  if (here === 'list') return false;
  if (here === 'database') return false;
  if (here === 'mail') return ['list', 'database'].includes(there);
  if (features.includes(here)) {
    if (['list', 'database', 'mail'].includes(there)) return true;
    return features.indexOf(there) > features.indexOf(here);
  }
  if (here === 'ground') return false;
  if (here === 'routes') return there !== 'cli';
  return true;
}

function placeOf(path: string): string {
  if (ground.includes(path)) return 'ground';
  return path.includes('/') ? (path.split('/')[0] ?? '') : 'top';
}

t.test('imports go one way', async (t) => {
  const wrong = [];
  for (const { path, imports } of sources) {
    for (const { target, inside, typeOnly } of imports) {
      if (!inside) continue;
      if (!bySource.has(target)) wrong.push(`${path} imports ${target}, which does not exist`);
      // The type of what the doors stand on is app.ts's; the ground names types of others only.
      if (typeOnly && (target === 'app.ts' || placeOf(path) === 'ground')) continue;
      if (!mayImport(path, target)) wrong.push(`${path} imports ${target}`);
    }
  }
  t.strictSame(wrong, []);
});

t.test('there are no cycles', async (t) => {
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, way: string[]) => {
    if (way.includes(path)) cycles.push([...way.slice(way.indexOf(path)), path].join(' → '));
    if (way.includes(path) || done.has(path)) return;
    for (const { target, inside, typeOnly } of bySource.get(path)?.imports ?? []) {
      if (inside && !typeOnly) visit(target, [...way, path]);
    }
    done.add(path);
  };
  for (const { path } of sources) visit(path, []);
  t.strictSame(cycles, []);
});

t.test('another feature’s statements are not used, only its verbs', async (t) => {
  const wrong = sources.flatMap(({ path, imports }) =>
    imports
      .filter(({ target, inside }) => inside && isQueries(target) && placeOf(path) !== placeOf(target))
      .map(({ target }) => `${path} imports ${target}`),
  );
  t.strictSame(wrong, []);
});

t.test('SQL stands in sql/, in queries and in database/ only', async (t) => {
  const statement = /\bsql`|\.query\(\s*[`'"](?!savepoint|rollback to savepoint|release savepoint)/;
  const wrong = sources.filter(
    ({ path, text }) => !isQueries(path) && placeOf(path) !== 'database' && statement.test(text),
  );
  t.strictSame(wrong.map(pathOf), []);
});

/** Who writes which table; reading across is allowed. */
const owners: Readonly<Record<string, readonly string[]>> = {
  versions: [
    'approvals',
    'drafts',
    'draft_edits',
    'list_imports',
    'versions',
    'withdrawals',
    'scheduled_publications',
    'idempotency_keys',
  ],
  subscribers: [
    'subscribers',
    'subscriber_events',
    'single_use_tokens',
    'suppressions',
    'letter_limits',
    'domain_limits',
    'import_rows',
    'subscriber_imports',
    'subscriber_import_lines',
    'subscriber_days',
    'notice_groups',
  ],
  notices: ['notices'],
  deliveries: ['deliveries', 'delivery_days', 'delivery_transitions', 'former_message_ids', 'relay'],
  objections: ['objections'],
  bounces: ['bounces', 'webhook_tokens', 'bounce_mailbox', 'bounce_mailbox_left'],
  admins: [
    'admins',
    'setup_links',
    'sessions',
    'api_tokens',
    'sign_in_limits',
    'oidc_identities',
    'second_factors',
    'recovery_codes',
    'admin_links',
  ],
  tasks: ['tasks'],
  audit: ['audit_log', 'audit_seals'],
  holds: ['service_state'],
  database: ['migrations'],
};
/** The fan-out makes a hundred thousand rows of the outbox in one statement. */
const alsoWrites: Readonly<Record<string, readonly string[]>> = { 'notices/queries.ts': ['deliveries'] };

t.test('each table is written by its owner only', async (t) => {
  const known = new Map(Object.entries(owners).flatMap(([owner, tables]) => tables.map((table) => [table, owner])));
  const written = /\b(?:insert\s+into|update|delete\s+from|truncate(?:\s+table)?)\s+(?:only\s+)?([a-z_]+)\b/g;
  const wrong = [];
  for (const { path, text } of sources) {
    if (!isQueries(path) && placeOf(path) !== 'database') continue;
    for (const statement of statementsOf(text)) {
      for (const [, table = ''] of statement.matchAll(written)) {
        // `for update skip locked`, `on conflict … do update set`.
        if (['set', 'skip', 'of', 'nowait'].includes(table) || alsoWrites[path]?.includes(table)) continue;
        if (known.get(table) === placeOf(path) || isMadeUp(statement, table)) continue;
        wrong.push(`${path} writes ${table}, which ${known.get(table) ?? 'nobody'} owns`);
      }
    }
  }
  t.strictSame(wrong, []);
  const tables = readdirSync(`${root}sql`)
    .flatMap((file) => [...readFileSync(`${root}sql/${file}`, 'utf8').matchAll(/create (?:unlogged )?table (\w+)/g)])
    .map(([, table = '']) => table);
  t.strictSame(
    tables.filter((table) => !known.has(table)),
    [],
    'every table has an owner',
  );
});

/** What only one place may know: the others ask it. */
const secrets: { what: string; found: (source: Source) => boolean; places: (path: string) => boolean }[] = [
  {
    what: 'the environment',
    found: ({ text }) => /\bprocess\.env\b/.test(text),
    places: (path) => path === 'config.ts',
  },
  {
    what: 'how to end the process',
    found: ({ text }) => /\bprocess\.exit\(/.test(text),
    places: (path) => path === 'main.ts',
  },
  {
    what: 'Fastify',
    found: usesPackage(/^@?fastify/),
    places: (path) => path === 'app.ts' || path.startsWith('routes/'),
  },
  { what: 'nodemailer', found: usesPackage(/^nodemailer/), places: (path) => path.startsWith('mail/') },
  { what: 'IMAP', found: usesPackage(/^imapflow/), places: (path) => path.startsWith('bounces/') },
  { what: 'the database library', found: usesPackage(/^pg$/), places: (path) => !path.startsWith('routes/') },
  {
    what: 'the time',
    found: ({ text }) => /\bnew Date\(\)|\bDate\.now\(\)/.test(withoutComments(text)),
    places: (path) => ['top', 'cli', 'database'].includes(placeOf(path)),
  },
];
for (const { what, found, places } of secrets) {
  t.test(`only its place knows ${what}`, async (t) => {
    t.strictSame(sources.filter((source) => found(source) && !places(source.path)).map(pathOf), []);
  });
}

t.test('pure files know neither the world nor the time, nor anything that does', async (t) => {
  const packages =
    /^(zod|yaml|canonicalize|temporal-polyfill|markdown-it|parse5|fflate|mailparser|eta|uqr|bidi-js|csv-(?:parse|stringify)\/sync|node:(crypto|net|url|util))$/;
  const wrong = new Set<string>();
  const visit = (path: string, from: string) => {
    const source = bySource.get(path);
    if (source === undefined) return;
    if (/\bprocess\.|Math\.random|new Date\(\)|Date\.now|\bfetch\(/.test(withoutComments(source.text))) {
      wrong.add(`${from} reaches the world in ${path}`);
    }
    for (const { target, inside, typeOnly } of source.imports) {
      if (typeOnly) continue;
      if (inside && !ground.includes(target)) visit(target, from);
      if (!inside && !packages.test(target)) wrong.add(`${from} reaches ${target} by ${path}`);
    }
  };
  for (const { path, isPure } of sources) if (isPure) visit(path, path);
  t.strictSame([...wrong], []);
});

t.test('files say what they are for, and stay small', async (t) => {
  const banned = /(^|\/)(utils?|helpers?|common|shared|lib|managers?|services?|handlers?|misc|index)(\.ts|\/)/;
  t.strictSame(sources.filter(({ path }) => banned.test(path)).map(pathOf), [], 'names that say nothing');
  t.strictSame(sources.filter(({ text }) => text.split('\n').length > 400).map(pathOf), [], 'more than 400 lines');
  t.strictSame(sources.filter(({ text }) => /^export default/m.test(text)).map(pathOf), [], 'default exports');
  t.strictSame(sources.filter(({ text }) => /^export \* from/m.test(text)).map(pathOf), [], 'barrels');
});

t.test('every language says the same things with the same placeholders', async (t) => {
  const reference = textsIn('en');
  t.ok(locales.length >= 2 && reference.size > 0);
  for (const locale of locales.filter((name) => name !== 'en')) {
    const parts = partsIn(locale);
    const texts = textsIn(locale);
    const expected = [...reference.keys()].filter((key) => parts.includes(key.slice(0, key.indexOf('.'))));
    t.strictSame([...texts.keys()].sort(), expected.sort(), `${locale} has the keys of en`);
    const others = [...texts].filter(
      ([key, { text }]) => placeholdersOf(text) !== placeholdersOf(reference.get(key)?.text ?? {}),
    );
    t.strictSame(
      others.map(([key]) => key),
      [],
      `${locale} has the placeholders of en`,
    );
  }
});

t.test('what readers meet is in every language, the console whole or not at all', async (t) => {
  const all = partsIn('en');
  const forReaders = partsForReaders();
  t.ok(forReaders.size > 5 && forReaders.size < all.length);
  t.strictSame(partsIn('de'), all, 'the console is in German too');
  for (const locale of locales) {
    const parts = partsIn(locale);
    const missing = [...forReaders].filter(([part]) => !parts.includes(part));
    t.strictSame(
      missing.map(([part, path]) => `${path} needs ${part}`),
      [],
      locale,
    );
    const half = parts.filter((part) => !forReaders.has(part));
    if (parts.length < all.length) t.strictSame(half, [], `${locale} has no console, and no part of one`);
  }
});

function readSource(path: string): Source {
  const text = readFileSync(`${root}src/${path}`, 'utf8');
  const imports = [...text.matchAll(/^(?:import|export)\s+(type\s+)?([^'";]*?)\s*from\s+'([^']+)'/gm)].map(
    ([, type, names = '', target = '']): Import => {
      const inside = target.startsWith('.');
      const listed = /\{([\s\S]*)\}/
        .exec(names)?.[1]
        ?.split(',')
        .map((name) => name.trim())
        .filter((name) => name !== '');
      const onlyTypes = names.trim().startsWith('{') && listed?.every((name) => name.startsWith('type ')) === true;
      return {
        target: inside ? posix.normalize(posix.join(posix.dirname(path), target)).replace(/\.js$/, '.ts') : target,
        inside,
        typeOnly: type !== undefined || onlyTypes,
      };
    },
  );
  return {
    path,
    text,
    imports,
    isPure: path.startsWith('list/') || /^(\/\*|\/\*\*| \*)\s*PURE\b/m.test(text.slice(0, 3_000)),
  };
}

function pathOf({ path }: Source): string {
  return path;
}

function usesPackage(name: RegExp) {
  return ({ imports }: Source) => imports.some(({ target, inside }) => !inside && name.test(target));
}

function isQueries(path: string): boolean {
  return /(^|[/-])queries\.ts$/.test(path);
}

/** The templates of a file, without the SQL comments in them. */
function statementsOf(text: string): string[] {
  return (withoutComments(text).match(/`[^`]*`/g) ?? []).map((statement) => statement.replace(/--.*$/gm, ''));
}

/** `with due as (…) update due`: a name that the statement itself makes. */
function isMadeUp(statement: string, table: string): boolean {
  return new RegExp(`\\b${table}\\s+as\\s+(?:materialized\\s+)?\\(`).test(statement);
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
}

t.test('the files and functions that docs/architecture.md and the README name are there', async (t) => {
  const wrong: string[] = [];
  for (const page of ['docs/architecture.md', 'README.md']) {
    const text = readFileSync(`${root}${page}`, 'utf8');
    for (const [, path = '', name] of text.matchAll(/`((?:src|test|sql|samples)\/[^`\s]+)`(?: `(\w+)`)?/g)) {
      if (!existsSync(`${root}${path}`)) wrong.push(`${page}: there is no ${path}`);
      else if (name !== undefined && !readFileSync(`${root}${path}`, 'utf8').includes(` ${name}(`)) {
        wrong.push(`${page}: ${path} has no ${name}`);
      }
    }
  }
  t.strictSame(wrong, []);
});
