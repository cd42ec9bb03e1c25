import { createHash } from 'node:crypto';

/** A statement whose values travel apart from its text (never pasted into it). */
export interface Sql {
  readonly text: string;
  readonly values: readonly unknown[];
  /** Parsed and planned once a connection; see `prepared`. */
  readonly name?: string;
}

/**
 * Tag for statements: each `${value}` becomes a numbered parameter, and an Sql inside another is
 * spliced with its own parameters. Text cannot come from a value, so there is nothing to escape.
 */
export function sql(strings: TemplateStringsArray, ...parts: readonly unknown[]): Sql {
  let text = strings[0] ?? '';
  const values: unknown[] = [];
  parts.forEach((part, index) => {
    if (isSql(part)) {
      text += part.text.replace(/\$(\d+)/g, (_, number: string) => `$${Number(number) + values.length}`);
      values.push(...part.values);
    } else {
      values.push(part);
      text += `$${values.length}`;
    }
    text += strings[index + 1] ?? '';
  });
  return Object.freeze({ text, values, [brand]: true });
}

const brand = Symbol('sql');

function isSql(part: unknown): part is Sql {
  return typeof part === 'object' && part !== null && brand in part;
}

/** What `like` finds texts by that hold this one, blanks around it put aside; null: it is empty, so anything. */
export function containing(text: string): string | null {
  const wanted = text.replaceAll('\0', '').trim();
  return wanted === '' ? null : `%${wanted.replace(/[\\%_]/g, '\\$&')}%`;
}

const names = new Map<string, string>();

/**
 * A statement that runs many times a second: the server keeps it parsed and, once it has seen that the
 * values do not matter, planned. Its text must be one of few.
 */
export function prepared(statement: Sql): Sql {
  let name = names.get(statement.text);
  if (name === undefined) {
    name = `s${createHash('sha256').update(statement.text).digest('hex').slice(0, 24)}`;
    names.set(statement.text, name);
  }
  return Object.freeze({ ...statement, name });
}
