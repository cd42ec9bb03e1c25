import { plainText } from '../plain.js';
import { dataPieces } from './pieces.js';
import { type Cell, linesOf } from './tables.js';

/*
 * PURE. A cell that names data categories: "Advocatesinterests unique idManagersname", where nothing but the
 * catalogue says where one ends and the next begins, or a list that is parted as lists are.
 */

export interface CategoryText {
  /** As the source names the kind of person; null: the cell does not say. */
  kind: string | null;
  name: string;
  /** The words of the cell it comes from. */
  text: string;
  /** What the catalogue does not explain, among what it does. */
  isGap: boolean;
}

export interface CategoryReading {
  categories: CategoryText[];
  /** Words that belong to no category, such as the label of a group. */
  rest: string[];
  /** The catalogue allows more than one reading. */
  isAmbiguous: boolean;
}

/** Names that a catalogue knows, word by word. */
interface Branch {
  next: Map<string, Branch>;
  isEnd: boolean;
}
export type NameTree = Branch;

/** Names of more words are never looked for within a text. */
const mostWords = 12;

export function nameTree(names: Iterable<string>): NameTree {
  const root: Branch = { next: new Map(), isEnd: false };
  for (const name of names) addName(root, name);
  return root;
}

export function addName(tree: NameTree, name: string): void {
  const words = wordsOf(name);
  if (words.length === 0 || words.length > mostWords) return;
  let branch = tree;
  for (const word of words) {
    const next = branch.next.get(word) ?? { next: new Map(), isEnd: false };
    branch.next.set(word, next);
    branch = next;
  }
  branch.isEnd = true;
}

function wordsOf(text: string): string[] {
  return text
    .split(/\s+/)
    .map(plainText)
    .filter((word) => word !== '');
}

export interface CategoryContext {
  /** Names of the kinds that are known. */
  kinds: readonly string[];
  /** The names of a kind; of all kinds for null. */
  tree(kind: string | null): NameTree;
  /** Whether a word means people of some kind, though no kind is known by it. */
  isPeople(label: string): boolean;
}

const counts =
  /\b\d{1,4}\s+(?:data\s+)?(?:fields?|categor(?:y|ies)|items?|types?|elements?|points?|felder|kategorien|datenfelder)/gi;

/** "Advocates 23 fields": a cell that only counts. */
export function isCount(text: string): boolean {
  const rest = text.replace(counts, ' ');
  return rest !== text && rest.length <= 200 && !/\d/.test(rest) && rest.trim().split(/\s+/).length <= 6;
}

/** Reads the data categories of a cell, in the order in which they stand. Linear in its length. */
export function readCategoryCell(cell: Cell, context: CategoryContext): CategoryReading {
  const reading: CategoryReading = { categories: [], rest: [], isAmbiguous: false };
  let kind: string | null = null;
  const lines = cell.items.length > 0 ? cell.items : linesOf(cell.text);
  const isBroken = lines.length > 1;
  for (const line of lines) {
    for (const segment of segmentsOf(line, context)) {
      if (segment.label !== null) kind = segment.kind;
      if (segment.label !== null && segment.kind === null) reading.rest.push(segment.label);
      readSegment(segment, kind, isBroken, context, reading);
    }
  }
  return reading;
}

interface Segment {
  kind: string | null;
  label: string | null;
  text: string;
}

/** A line by the kinds whose names stand in it as labels. */
function segmentsOf(line: string, { kinds, isPeople }: CategoryContext): Segment[] {
  const marks: { at: number; end: number; kind: string }[] = [];
  for (const kind of kinds) {
    for (let at = line.indexOf(kind); at >= 0; at = line.indexOf(kind, at + kind.length)) {
      // Only what stands near: a kind called "a" may stand in a long line very often.
      const before = line.slice(Math.max(0, at - 10), at);
      const behind = line.slice(at + kind.length, at + kind.length + 10);
      // Glued to what stands before, or at the beginning of a member; and glued to what follows, or parted by a colon.
      const starts = before === '' || /[^\s]$/.test(before) || /[;,.|/]\s+$/.test(before);
      const glued = /^[\p{L}\p{N}]/u.test(behind) && (before === '' || /\S$/.test(before));
      const labels = /^\s*[:–—(]/.test(behind) || behind.trim() === '' || (before === '' && /^\s/.test(behind));
      if (starts && (glued || labels)) marks.push({ at, end: at + kind.length, kind });
    }
  }
  const own = marks
    .sort((a, b) => a.at - b.at || b.end - a.end)
    .filter((mark, index, all) => all.slice(Math.max(0, index - 20), index).every((one) => one.end <= mark.at));
  if (own.length === 0) {
    const found = /^([^:,;]{2,80}?)\s*:\s+(?=\S)/.exec(line);
    if (found === null) return [{ kind: null, label: null, text: line }];
    const label = found[1] ?? '';
    return [{ kind: isPeople(label) ? label : null, label, text: line.slice(found[0].length) }];
  }
  const first = line.slice(0, own[0]?.at ?? 0);
  const segments = own.map(({ end, kind }, index): Segment => {
    return { kind, label: kind, text: line.slice(end, own[index + 1]?.at ?? line.length).replace(/^\s*[:–—]\s*/, '') };
  });
  return first.trim() === '' ? segments : [{ kind: null, label: null, text: first }, ...segments];
}

function readSegment(
  { label, text, kind: own }: Segment,
  kind: string | null,
  isBroken: boolean,
  context: CategoryContext,
  reading: CategoryReading,
): void {
  let prefix = own === null ? '' : (label ?? '');
  const put = (name: string, words: string, isGap = false) => {
    reading.categories.push({ kind, name, text: prefix === '' ? words : `${prefix} ${words}`, isGap });
    prefix = '';
  };
  const sentences = text.split(/(?<=[\p{L}\p{N})]\.)\s+(?=\p{Lu})/u);
  reading.rest.push(...sentences.slice(1));
  const pieces = dataPieces(sentences[0] ?? '');
  const tree = context.tree(kind);
  for (const piece of pieces) {
    const parts = partsOf(piece.value, tree);
    const isSole = pieces.length === 1 && !isBroken;
    if (parts !== null && (parts.gaps === 0 || (isSole && parts.isMostlyKnown))) {
      reading.isAmbiguous ||= parts.isAmbiguous;
      for (const { words, isGap } of parts.parts) put(words, words, isGap);
      if (piece.value !== piece.text) reading.rest.push(...outside(piece.text, piece.value));
    } else if (isSole && isCodes(piece.value)) {
      for (const code of piece.value.split(/\s+/)) put(code, code);
    } else put(piece.value, piece.text);
  }
  if (prefix !== '' && own !== null) reading.rest.push(prefix);
}

/** Words of a piece that its value is without: "and". */
function outside(text: string, value: string): string[] {
  const words = text.replace(value, ' ').match(/[\p{L}\p{N}]+/gu) ?? [];
  return words.length > 0 ? [words.join(' ')] : [];
}

/** "M1 M3 U10": references to a catalogue that stands elsewhere. */
function isCodes(text: string): boolean {
  const words = text.split(/\s+/);
  return words.every((word) => /^\p{Lu}{0,3}-?\d{1,4}$/u.test(word)) && words.some((word) => /^\p{Lu}/u.test(word));
}

interface Parts {
  parts: { words: string; isGap: boolean }[];
  /** Words that no name explains. */
  gaps: number;
  isMostlyKnown: boolean;
  isAmbiguous: boolean;
}

/**
 * Takes a text apart into names of the tree, with as few words unexplained as possible, and of such readings
 * the one of the fewest names. Null: it holds none of them.
 */
function partsOf(text: string, tree: NameTree): Parts | null {
  const words = text.split(/\s+/).filter((word) => word !== '');
  const plain = words.map(plainText);
  const size = words.length;
  // From the end: of the words from here on, how many stay unexplained, by how many names, in how many ways.
  const gaps = new Int32Array(size + 1);
  const names = new Int32Array(size + 1);
  const ways = new Uint8Array(size + 1).fill(1);
  const step = new Int32Array(size + 1);
  for (let at = size - 1; at >= 0; at--) {
    gaps[at] = (gaps[at + 1] ?? 0) + 1;
    names[at] = names[at + 1] ?? 0;
    ways[at] = ways[at + 1] ?? 1;
    let branch: Branch | undefined = tree;
    for (let length = 1; at + length <= size; length++) {
      branch = branch.next.get(plain[at + length - 1] ?? '');
      if (branch === undefined) break;
      if (!branch.isEnd) continue;
      const [rest = 0, more = 0, many = 1] = [gaps[at + length], (names[at + length] ?? 0) + 1, ways[at + length]];
      const best = gaps[at] ?? 0;
      if (rest < best || (rest === best && (step[at] === 0 || more < (names[at] ?? 0)))) {
        ways[at] = rest < best || step[at] === 0 ? many : Math.min(2, (ways[at] ?? 1) + many);
        gaps[at] = rest;
        names[at] = more;
        step[at] = length;
      } else if (rest === best) ways[at] = Math.min(2, (ways[at] ?? 1) + many);
    }
  }
  const parts: Parts['parts'] = [];
  for (let at = 0; at < size; ) {
    const length = step[at] ?? 0;
    const last = parts.at(-1);
    if (length > 0) parts.push({ words: words.slice(at, at + length).join(' '), isGap: false });
    else if (last?.isGap) last.words += ` ${words[at]}`;
    else parts.push({ words: words[at] ?? '', isGap: true });
    at += Math.max(1, length);
  }
  const known = parts.filter(({ isGap }) => !isGap).length;
  if (known === 0) return null;
  const missing = gaps[0] ?? 0;
  return {
    parts,
    gaps: missing,
    isMostlyKnown: known > 1 && missing * 2 <= size,
    isAmbiguous: (ways[0] ?? 1) > 1,
  };
}
