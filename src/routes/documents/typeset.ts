import bidiFactory from 'bidi-js';

/*
 * PURE. Text as lines of a given width, each a row of pieces from left to right as they are drawn. Within a piece
 * there is one direction and one font, so that whoever draws it need not know of any.
 */

export interface Piece {
  text: string;
  font: string;
  width: number;
}

export interface Line {
  pieces: Piece[];
  width: number;
  /** The paragraph is read from right to left. */
  isRtl: boolean;
}

/** What letters measure, and which font has them. */
export interface Measure {
  /** The width of a text in one font, in points. */
  width(text: string, font: string): number;
  /** The font that has a letter: the wished one, or one that stands in for it; null: none has it. */
  fontFor(codePoint: number, wished: string): string | null;
}

/** In place of a letter that no font has. */
export const replacement = '\ufffd';

// Its types tell of a module with a default, and what is loaded is the function itself.
const bidi = (typeof bidiFactory === 'function' ? bidiFactory : bidiFactory.default)();

/**
 * Breaks a text into lines: at line breaks, at spaces, and within a word that is wider than a line.
 * The order of letters follows the Unicode Bidirectional Algorithm (UAX 9).
 * @param width in points
 */
export function linesOf(text: string, font: string, width: number, measure: Measure): Line[] {
  return text.split('\n').flatMap((paragraph) => {
    const levels = bidi.getEmbeddingLevels(paragraph);
    const isRtl = (levels.paragraphs[0]?.level ?? 0) % 2 === 1;
    return breaksOf(paragraph, font, width, measure).map(([start, end]): Line => {
      const pieces = piecesOf(paragraph, levels, start, end, font, measure);
      return { pieces, width: pieces.reduce((sum, piece) => sum + piece.width, 0), isRtl };
    });
  });
}

/** Where lines begin and end (the end is not theirs); spaces at a break are nobody's. */
function breaksOf(text: string, font: string, width: number, measure: Measure): [start: number, end: number][] {
  const lines: [number, number][] = [];
  let start = 0;
  let end = 0;
  let used = 0;
  const space = measure.width(' ', font);
  for (const { 0: word, index } of text.matchAll(/[^ \t\u200b]+/g)) {
    const own = widthOf(word, font, measure);
    const gap = end > start ? space * Math.max(1, index - end) : 0;
    if (end > start && used + gap + own > width) {
      lines.push([start, end]);
      start = index;
      used = 0;
    } else if (end === start) start = index;
    else used += gap;
    if (own <= width) {
      used += own;
      end = index + word.length;
      continue;
    }
    // An address or a hash: it goes on in the next line where it must.
    end = index;
    for (const letter of word) {
      const one = widthOf(letter, font, measure);
      if (used + one > width && end > start) {
        lines.push([start, end]);
        start = end;
        used = 0;
      }
      used += one;
      end += letter.length;
    }
  }
  if (end > start || lines.length === 0) lines.push([start, end]);
  return lines;
}

function widthOf(text: string, font: string, measure: Measure): number {
  return inFonts(text, font, measure).reduce((sum, piece) => sum + piece.width, 0);
}

function piecesOf(
  text: string,
  levels: ReturnType<typeof bidi.getEmbeddingLevels>,
  start: number,
  end: number,
  font: string,
  measure: Measure,
): Piece[] {
  if (end <= start) return [];
  // Nearly all lines: one direction, nothing to turn.
  if (levels.levels.subarray(start, end).every((level) => level === 0)) {
    return inFonts(text.slice(start, end), font, measure);
  }
  const mirrored = bidi.getMirroredCharactersMap(text, levels.levels, start, end - 1);
  const order = bidi.getReorderedIndices(text, levels, start, end - 1);
  const pieces: Piece[] = [];
  let run: number[] = [];
  const levelAt = (index: number | undefined) => levels.levels[index ?? -1] ?? 0;
  const flush = () => {
    if (run.length === 0) return;
    const isRtl = levelAt(run[0]) % 2 === 1;
    // A font joins letters in the order in which they are read, and turns a run of them itself.
    const letters = (isRtl ? run.toReversed() : run).map((at) => mirrored.get(at) ?? text.charAt(at)).join('');
    // At spaces it would begin anew from the left: each word is a piece of its own.
    const words = letters.split(/( +)/).filter((word) => word !== '');
    pieces.push(...(isRtl ? words.toReversed() : words).flatMap((word) => inFonts(word, font, measure)));
    run = [];
  };
  for (const index of order) {
    if (run.length > 0 && levelAt(run[0]) !== levelAt(index)) flush();
    run.push(index);
  }
  flush();
  return pieces;
}

/** Of one direction: pieces by the font that has their letters. */
function inFonts(text: string, wished: string, measure: Measure): Piece[] {
  const pieces: { text: string; font: string }[] = [];
  for (const letter of text) {
    const found = measure.fontFor(letter.codePointAt(0) ?? 0, wished);
    const [font, shown] = found === null ? [wished, replacement] : [found, letter];
    const last = pieces.at(-1);
    if (last?.font === font) last.text += shown;
    else pieces.push({ text: shown, font });
  }
  return pieces.map((piece) => ({ ...piece, width: measure.width(piece.text, piece.font) }));
}
