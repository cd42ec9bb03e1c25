import { type Document, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument, visit } from 'yaml';
import { type Fault, Refusal } from '../errors.js';
import { type ListDocument, limits, listInputSchema } from './document.js';
import { documentInvalid, documentInvalidByZod, mostFaults, quoted } from './faults.js';
import { identify } from './identity.js';
import { jsonDepth, jsonFaultOffset, jsonPlaces, lineCounter } from './json-places.js';
import { languageFaults } from './languages.js';

/** No list needs more; a text that does is an attack on the parser, or a slip. */
const mostLevels = 50;
/** Anchors save typing; beyond this they are a bomb (each alias may hold further ones). */
const mostAliases = 100;

/** A text that was parsed: its value, and the line of each place in it. */
export interface Parsed {
  value: unknown;
  lineOf(path: string): number | undefined;
}

/**
 * Reads a list document from a text. A byte order mark is accepted.
 * Refuses `document.invalid`, each fault with its path, what is wrong and how to mend it, and its
 * 1-based line; of many the first 50.
 * @param base the list whose ids go on where the text leaves them out (see `identify`)
 */
export function readList(text: string, format: 'json' | 'yaml', base: ListDocument | null = null): ListDocument {
  const bytes = Buffer.byteLength(text);
  if (bytes > limits.bytes) throw tooLarge(bytes);
  const { value, lineOf } = parseText(text, format);
  try {
    return readListValue(value, base);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new Refusal(
      error.code,
      error.message,
      error.errors.map((fault) => ({ ...fault, line: nearestLine(fault.path, lineOf) })),
    );
  }
}

/** Parses a text of any content. Refuses `document.invalid` for what is none, nested too deeply or a bomb. */
export function parseText(text: string, format: 'json' | 'yaml'): Parsed {
  const plain = text.startsWith('\ufeff') ? text.slice(1) : text;
  return format === 'json' ? parseJson(plain) : parseYaml(plain);
}

/**
 * Reads a list document from a parsed value, such as the body of a request.
 * Refuses `document.invalid` as `readList` does, without lines.
 */
export function readListValue(value: unknown, base: ListDocument | null = null): ListDocument {
  const parsed = listInputSchema.safeParse(value);
  if (!parsed.success) throw documentInvalidByZod(parsed.error, value, listInputSchema);
  // Aliases can make a small text large, and what is stored must be accepted when it is sent back.
  const bytes = Buffer.byteLength(JSON.stringify(parsed.data));
  if (bytes > limits.bytes) throw tooLarge(bytes);
  const faults = languageFaults(parsed.data);
  if (faults.length > 0) throw documentInvalid(faults);
  return identify(parsed.data, base);
}

function tooLarge(bytes: number): Refusal {
  const size = (bytes / 1024 / 1024).toFixed(1);
  return documentInvalid([
    { path: '', message: `The document is ${size} MiB; at most 2 MiB are allowed: shorten it.` },
  ]);
}

function tooDeep(line?: number): Refusal {
  return documentInvalid([
    { path: '', message: `The document is nested more than ${mostLevels} levels deep: no list is.`, line },
  ]);
}

function parseJson(text: string): Parsed {
  if (jsonDepth(text) > mostLevels) throw tooDeep();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw documentInvalid([jsonFault(text, String(error))]);
  }
  const places = jsonPlaces(text);
  if (places.repeated.length > 0) {
    throw documentInvalid(places.repeated.map(({ path, line }) => repeatedKey(path, line)));
  }
  return { value, lineOf: places.lineOf };
}

function jsonFault(text: string, said: string): Fault {
  if (text.trim() === '') return { path: '', message: 'The document is empty: put a list into it.' };
  const offset = jsonFaultOffset(text);
  const isCut = offset >= text.trimEnd().length || said.includes('Unterminated string');
  return {
    path: '',
    message: isCut
      ? 'This is no complete JSON: the text ends too early, so a bracket or a quote is not closed.'
      : 'This is no JSON: look for a missing or surplus comma, bracket or quote here or just before.',
    line: lineCounter(text)(offset),
  };
}

function repeatedKey(path: string, line: number | undefined): Fault {
  const key = path.slice(path.lastIndexOf('.') + 1);
  return { path, message: `The key ${quoted(key)} stands twice here: keep one of the two.`, line };
}

function parseYaml(text: string): Parsed {
  const deep = deepLine(text);
  if (deep !== null) throw tooDeep(deep);
  const counter = new LineCounter();
  const document = readYaml(text, counter);
  const lineAt = (offset: number | undefined) => (offset === undefined ? undefined : counter.linePos(offset).line);
  const faults = [...document.errors, ...document.warnings].map(
    ({ code, message, pos }): Fault => ({ path: '', message: yamlMessage(code, message), line: lineAt(pos[0]) }),
  );
  if (document.contents === null && faults.length === 0) {
    faults.push({ path: '', message: 'The document is empty: put a list into it.' });
  }
  if (faults.length > 0) throw documentInvalid(faults);
  const repeated = repeatedYamlKeys(document);
  if (repeated.count > 0) {
    throw documentInvalid(
      repeated.first.map(({ path, at }) => repeatedKey(path, lineAt(at))),
      repeated.count,
    );
  }
  return { value: yamlValue(document), lineOf: (path) => lineAt(offsetOf(document, path)) };
}

function readYaml(text: string, lineCounter: LineCounter): Document.Parsed {
  try {
    // The parser's own check for repeated keys compares all with all: 20,000 keys took it 3.8 s.
    return parseDocument(text, {
      lineCounter,
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: 'error',
      version: '1.2',
    });
  } catch (error) {
    if (error instanceof RangeError) throw tooDeep();
    throw error;
  }
}

/**
 * The first line that nests too deeply for any list, or null. Looked for before parsing: one line of
 * a million hyphens ends the process inside the parser (out of memory), not with an error.
 */
function deepLine(text: string): number | null {
  const indicators = new RegExp(`^(?:[ \\t]*[-?:](?=[ \\t])){${mostLevels}}`);
  let open = 0;
  for (const [index, line] of text.split('\n').entries()) {
    if (indicators.test(line)) return index + 1;
    // Brackets within texts count as well; nobody leaves a thousand open.
    for (const bracket of line.match(/[[\]{}]/g) ?? []) open = Math.max(0, open + (/[[{]/.test(bracket) ? 1 : -1));
    if (open > 1_000) return index + 1;
  }
  return null;
}

const unknownAlias =
  'An alias (a word that begins with "*") stands here, and nothing above defines it: put the text in quotes.';
const yamlMessages: Readonly<Record<string, string>> = {
  BAD_INDENT: 'This line is indented differently from its neighbours: align it with them.',
  TAB_AS_INDENT: 'This line is indented with a tab: use spaces.',
  MULTIPLE_DOCS: 'A second document begins here (---): put one list into a file.',
  RESOURCE_EXHAUSTION: `The document is nested more than ${mostLevels} levels deep: no list is.`,
  TAG_RESOLVE_FAILED: 'This tag (the word that begins with "!") is not allowed: delete it.',
  BAD_ALIAS: unknownAlias,
};

function yamlMessage(code: string, said: string): string {
  const known = yamlMessages[code];
  if (known !== undefined) return known;
  const line = said.replace(/\s+/g, ' ').trim().slice(0, 200);
  return `This is no YAML that can be read: ${line}${/[.!?]$/.test(line) ? '' : '.'} A text that holds ": " or " #", or begins with a sign, needs quotes.`;
}

/** Keys that stand twice in one map: how many, and where the first of them are. */
function repeatedYamlKeys(document: Document.Parsed) {
  const first: { path: string; at: number | undefined }[] = [];
  let count = 0;
  visit(document, {
    Map: (_, map, ancestors) => {
      const seen = new Set<string>();
      for (const { key } of map.items) {
        const name = isScalar(key) ? String(key.value) : '';
        // A path takes a walk through the map: for each of 400,000 keys that stood an hour still.
        if (seen.has(name) && ++count <= mostFaults) {
          const place = yamlPath([...ancestors, map]);
          const path = place === '' ? name : `${place}.${name}`;
          first.push({ path, at: isNode(key) ? key.range?.[0] : undefined });
        }
        seen.add(name);
      }
    },
  });
  return { first, count };
}

/** The dotted path of the last of a chain of nodes. */
function yamlPath(nodes: readonly unknown[]): string {
  return nodes
    .flatMap((node, at): string[] => {
      const next = nodes[at + 1];
      if (isSeq(node)) return [String(node.items.indexOf(next))];
      const pair = isMap(node) ? node.items.find((item) => item === next) : undefined;
      return pair === undefined ? [] : [isScalar(pair.key) ? String(pair.key.value) : ''];
    })
    .filter((part) => part !== '-1')
    .join('.');
}

function yamlValue(document: Document.Parsed): unknown {
  try {
    return document.toJS({ maxAliasCount: mostAliases });
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    if (/unresolved alias/i.test(error.message)) throw documentInvalid([{ path: '', message: unknownAlias }]);
    throw documentInvalid([
      {
        path: '',
        message: `The document uses aliases ("*name") more than ${mostAliases} times: write the values out.`,
      },
    ]);
  }
}

/** Where the value at a path stands; of a key in a map, where the key stands. */
function offsetOf(document: Document.Parsed, path: string): number | undefined {
  let node: unknown = document.contents;
  let offset: number | undefined;
  for (const part of path.split('.')) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === part);
      if (pair === undefined) return undefined;
      offset = isNode(pair.key) ? pair.key.range?.[0] : undefined;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(part)];
      offset = isNode(node) ? node.range?.[0] : undefined;
    } else {
      return undefined;
    }
  }
  return offset;
}

/** The line of a place, or of the nearest place around it: what is missing stands nowhere. */
function nearestLine(path: string, lineOf: Parsed['lineOf']): number | undefined {
  for (let place = path; place !== ''; place = place.slice(0, Math.max(0, place.lastIndexOf('.')))) {
    const line = lineOf(place);
    if (line !== undefined) return line;
  }
  return path === '' ? undefined : 1;
}
