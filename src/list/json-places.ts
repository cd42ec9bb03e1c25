/*
 * PURE. Where in a JSON text each value stands, for faults with line numbers. JSON.parse tells
 * neither lines nor keys that stand twice, and of two it silently keeps the last.
 */

interface JsonPlaces {
  /** 1-based line of the value at a dotted path; undefined for a path that is not in the text. */
  lineOf(path: string): number | undefined;
  /** Keys that stand twice in one object, in the order of the text. */
  repeated: { path: string; line: number }[];
}

interface Frame {
  path: string;
  keys: Set<string> | null;
  index: number;
  key: string | null;
}

/** How deeply objects and arrays are nested; counted before parsing, so that a deep text costs nothing. */
export function jsonDepth(text: string): number {
  let depth = 0;
  let deepest = 0;
  const tokens = /"(?:[^"\\]|\\.)*"|[[{]|[\]}]/gs;
  for (let token = tokens.exec(text); token !== null; token = tokens.exec(text)) {
    const [first] = token[0];
    if (first === '[' || first === '{') deepest = Math.max(deepest, ++depth);
    else if (first !== '"') depth--;
  }
  return deepest;
}

/** Walks a text that JSON.parse has accepted. */
export function jsonPlaces(text: string): JsonPlaces {
  const offsets = new Map<string, number>();
  const repeated: { path: string; offset: number }[] = [];
  const frames: Frame[] = [];
  const pathHere = (): string => {
    const frame = frames.at(-1);
    if (frame === undefined) return '';
    const part = frame.keys === null ? String(frame.index) : (frame.key ?? '');
    return frame.path === '' ? part : `${frame.path}.${part}`;
  };
  const tokens = /"(?:[^"\\]|\\.)*"|[[\]{},]|[^\s"[\]{},:]+/gs;
  for (let token = tokens.exec(text); token !== null; token = tokens.exec(text)) {
    const [lexeme] = token;
    const frame = frames.at(-1);
    if (lexeme === '}' || lexeme === ']') {
      frames.pop();
    } else if (lexeme === ',') {
      if (frame) {
        frame.index++;
        frame.key = null;
      }
    } else if (frame?.keys && frame.key === null) {
      const key = String(JSON.parse(lexeme));
      frame.key = key;
      if (frame.keys.has(key)) repeated.push({ path: pathHere(), offset: token.index });
      frame.keys.add(key);
      offsets.set(pathHere(), token.index);
    } else {
      const path = pathHere();
      if (!offsets.has(path)) offsets.set(path, token.index);
      if (lexeme === '{') frames.push({ path, keys: new Set(), index: 0, key: null });
      if (lexeme === '[') frames.push({ path, keys: null, index: 0, key: null });
    }
  }
  const lineAt = lineCounter(text);
  return {
    lineOf: (path) => {
      const offset = offsets.get(path);
      return offset === undefined ? undefined : lineAt(offset);
    },
    repeated: repeated.map(({ path, offset }) => ({ path, line: lineAt(offset) })),
  };
}

const grammar =
  /(?<string>"(?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(?<scalar>-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)|(?<sign>[[\]{}:,])/uy;

/**
 * Where a text that JSON.parse refuses stops being JSON. Its own message names the place only at
 * times, and differs between versions of Node.
 */
export function jsonFaultOffset(text: string): number {
  const open: ('[' | '{')[] = [];
  let expected = 'value';
  let at = 0;
  for (;;) {
    at += /^\s*/.exec(text.slice(at, at + 1_000))?.[0].length ?? 0;
    if (/\s/.test(text[at] ?? '')) continue;
    grammar.lastIndex = at;
    const groups = grammar.exec(text)?.groups;
    const kind = groups?.sign ?? (groups?.string ? 'string' : groups?.scalar ? 'scalar' : null);
    const inside = open.at(-1);
    const isClosing = kind === (inside === '{' ? '}' : ']') && inside !== undefined;
    const isValue = kind === 'string' || kind === 'scalar' || kind === '[' || kind === '{';
    if (isClosing && (expected === 'next' || expected.endsWith(' or end'))) {
      open.pop();
      expected = 'next';
    } else if (expected.startsWith('value') && isValue) {
      if (kind === '[' || kind === '{') open.push(kind);
      expected = kind === '[' ? 'value or end' : kind === '{' ? 'key or end' : 'next';
    } else if (expected.startsWith('key') && kind === 'string') expected = 'colon';
    else if (expected === 'colon' && kind === ':') expected = 'value';
    else if (expected === 'next' && kind === ',' && inside) expected = inside === '{' ? 'key' : 'value';
    else return at;
    at = grammar.lastIndex;
  }
}

/** 1-based line of an offset. */
export function lineCounter(text: string): (offset: number) => number {
  const ends: number[] = [];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) ends.push(at);
  return (offset) => {
    let [low, high] = [0, ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((ends[middle] ?? 0) < offset) low = middle + 1;
      else high = middle;
    }
    return low + 1;
  };
}
