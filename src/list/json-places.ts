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
  /** Null: an array. */
  keys: Set<string> | null;
  index: number;
  key: string | null;
}

/** How deeply objects and arrays are nested; counted before parsing, so that a deep text costs nothing. */
export function jsonDepth(text: string): number {
  let depth = 0;
  let deepest = 0;
  let isInString = false;
  for (let at = 0; at < text.length; at++) {
    const sign = text.charAt(at);
    if (isInString && sign === '\\') at++;
    else if (sign === '"') isInString = !isInString;
    else if (isInString) continue;
    else if (sign === '[' || sign === '{') deepest = Math.max(deepest, ++depth);
    else if (sign === ']' || sign === '}') depth--;
  }
  return deepest;
}

/** Walks a text that JSON.parse has accepted. Lines are only looked for when the first is asked for. */
export function jsonPlaces(text: string): JsonPlaces {
  const lineAt = lineCounter(text);
  const repeated: JsonPlaces['repeated'] = [];
  walk(text, (frames, offset, isRepeated) => {
    if (isRepeated) repeated.push({ path: pathOf(frames), line: lineAt(offset) });
  });
  let offsets: Map<string, number> | null = null;
  return {
    repeated,
    lineOf: (path) => {
      if (offsets === null) {
        const found = new Map<string, number>();
        walk(text, (frames, offset) => {
          const place = pathOf(frames);
          if (!found.has(place)) found.set(place, offset);
        });
        offsets = found;
      }
      const offset = offsets.get(path);
      return offset === undefined ? undefined : lineAt(offset);
    },
  };
}

function pathOf(frames: readonly Frame[]): string {
  return frames.map(({ keys, index, key }) => (keys === null ? String(index) : (key ?? ''))).join('.');
}

/** Calls `visit` at each key and each value, with what encloses it. */
function walk(text: string, visit: (frames: readonly Frame[], offset: number, isRepeated: boolean) => void): void {
  const frames: Frame[] = [];
  const tokens = /"[^"\\]*(?:\\.[^"\\]*)*"|[[\]{},]|[^\s"[\]{},:]+/gs;
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
      frame.key = String(JSON.parse(lexeme));
      visit(frames, token.index, frame.keys.has(frame.key));
      frame.keys.add(frame.key);
    } else {
      visit(frames, token.index, false);
      if (lexeme === '{') frames.push({ keys: new Set(), index: 0, key: null });
      if (lexeme === '[') frames.push({ keys: null, index: 0, key: null });
    }
  }
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
