import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';

/*
 * Every word that a reader meets comes from templates/locales. What stands between the tags of a template, or of
 * markup in code, would be English in every language.
 */

const root = fileURLToPath(new URL('../', import.meta.url));

function filesIn(folder: string, ending: RegExp): { path: string; text: string }[] {
  return readdirSync(`${root}${folder}`, { recursive: true, encoding: 'utf8' })
    .filter((path) => ending.test(path))
    .map((path) => ({ path: `${folder}/${path}`, text: readFileSync(`${root}${folder}/${path}`, 'utf8') }));
}

/** The same in every language: names of formats and protocols, addresses, the columns of a file. */
const everywhere = /^(?:JSON|YAML|CSV|HTML|PDF|XLSX|Atom|RSS|API|TOTP|SHA-256|https?:\/\/\S*|[a-z]+(?:,[a-zA-Z]+)+)$/;
/** Attributes that are read to somebody. */
const spoken = /\b(?:title|alt|aria-label|placeholder|data-label|content|label)="([^"]*)"/g;

/** Words between tags and in spoken attributes; what is filled in was cut out before. */
function wordsIn(markup: string): string[] {
  const attributes = [...markup.replace(/<meta[^>]*>/g, '').matchAll(spoken)].map(([, value = '']) => value);
  const texts = markup
    .replace(/<(style|script|mj-style|mj-attributes)\b[\s\S]*?<\/\1>/g, '')
    .replace(/<!--[\s\S]*?-->/g, '')
    .replace(/&(?:#\d+|\w+);/g, ' ')
    .split(/<[^>]*>/);
  return [...attributes, ...texts]
    .flatMap((text) => text.split(/[\s·]+/))
    .filter((word) => /\p{L}{2}/u.test(word) && !everywhere.test(word));
}

t.test('no template holds a word', async (t) => {
  const templates = [...filesIn('templates/pages', /\.eta$/), ...filesIn('templates/mail', /\.mjml$/)];
  t.ok(templates.length > 50);
  for (const { path, text } of templates) {
    // What is printed is cut to a mark without letters, so that what surrounds it stays whole.
    t.strictSame(wordsIn(text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/<%[\s\S]*?%>/g, '·')), [], path);
  }
});

t.test('no template prints a sentence of its own', async (t) => {
  for (const { path, text } of filesIn('templates/pages', /\.eta$/)) {
    const printed = [...text.matchAll(/<%[=~]([\s\S]*?)%>/g)].flatMap(([, code = '']) =>
      [...code.matchAll(/'([^'\\]*)'/g)].map(([, literal = '']) => literal),
    );
    t.strictSame(
      printed.filter((literal) => /\p{L}{2,} \p{L}{2,}|^\p{Lu}\p{Ll}+$/u.test(literal) && !/^[a-z -]+$/.test(literal)),
      [],
      path,
    );
  }
});

t.test('no markup in code holds a word', async (t) => {
  const element =
    /<\/?(?:a|b|bdi|button|caption|dd|div|dt|form|h\d|i|input|label|li|ol|p|small|span|strong|t[dhr]|text|time|ul)\b/;
  let markup = 0;
  for (const { path, text } of [
    ...filesIn('src/routes', /\.ts$/),
    ...filesIn('src/mail', /\.ts$/),
    ...filesIn('src/list', /\.ts$/),
  ]) {
    const found = templatesIn(withoutComments(text)).filter((literal) => element.test(literal));
    markup += found.length;
    t.strictSame(found.flatMap(wordsIn), [], path);
  }
  t.ok(markup > 30, 'it is looked at');
});

t.test('no script of a page holds a word that it could show', async (t) => {
  for (const { path, text } of filesIn('templates/pages', /\.js$/)) {
    const literals = [...withoutComments(text).matchAll(/'([^'\\\n]*)'|"([^"\\\n]*)"/g)].map(
      ([, one, two]) => one ?? two ?? '',
    );
    t.strictSame(
      literals.filter(
        (literal) => /\p{L}{2,} \p{L}{2,}/u.test(literal) && !/[[\]#.:=,>()]|^[a-z][a-z -]*$/.test(literal),
      ),
      [],
      path,
    );
  }
});

function withoutComments(code: string): string {
  return code.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
}

/** The template literals of a program, those within others too, with a mark without letters for each value. */
function templatesIn(code: string): string[] {
  const found: string[] = [];
  /** From behind the opening mark; returns where the code goes on. */
  const template = (from: number): number => {
    let text = '';
    let at = from;
    while (at < code.length && code[at] !== '`') {
      if (code.startsWith('${', at)) {
        at = expression(at + 2, '}');
        text += '·';
      } else {
        text += code[at];
        at += code[at] === '\\' ? 2 : 1;
      }
    }
    found.push(text);
    return at + 1;
  };
  const expression = (from: number, end: string | null): number => {
    let at = from;
    while (at < code.length) {
      const sign = code[at];
      const quoted =
        /^(?:'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|\/(?![/*\s])(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/)/.exec(
          code.slice(at, at + 2_000),
        )?.[0];
      if (sign === end) return at + 1;
      if (sign === '`') at = template(at + 1);
      else if (sign === '{') at = expression(at + 1, '}');
      else at += quoted?.length ?? 1;
    }
    return at;
  };
  expression(0, null);
  return found;
}
