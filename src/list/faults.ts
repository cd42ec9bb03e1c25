import { z } from 'zod';
import { type Fault, Refusal } from '../errors.js';
import { closest } from './likeness.js';

/*
 * PURE. Faults of a list document in words for the person who wrote it: where, what is wrong, and
 * how to mend it.
 */

/** Faults that are worded; the others are counted. */
export const mostFaults = 50;

/**
 * The refusal `document.invalid` with its faults, the first 50 of them.
 * @param count of all that were found, where not all are worded
 */
export function documentInvalid(faults: readonly Fault[], count: number = faults.length): Refusal {
  const named = faults.slice(0, mostFaults);
  const rest = count > named.length ? ` The first ${named.length} are named.` : '';
  return new Refusal(
    'document.invalid',
    `The list document has ${count === 1 ? 'one fault' : `${count} faults`}.${rest}`,
    named,
  );
}

/** A text of the document inside a message: in quotes, one line, not too long. */
export function quoted(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return `"${line.length > 60 ? `${line.slice(0, 57)}…` : line}"`;
}

/** ` Did you mean "website"?`, or nothing when no known word is near. */
export function didYouMean(word: string, known: readonly string[]): string {
  const near = word.length > 120 ? null : closest(word, known);
  return near === null ? '' : ` Did you mean ${quoted(near)}?`;
}

/**
 * The refusal for what zod found. Only the faults that are named are worded: a file of another kind
 * can have a hundred thousand.
 * @param schema against which `value` was checked, for the keys that were possible
 */
export function documentInvalidByZod(error: z.ZodError, value: unknown, schema: z.ZodType): Refusal {
  const faults: Fault[] = [];
  let count = 0;
  for (const issue of error.issues) {
    const keys = issue.code === 'unrecognized_keys' ? issue.keys : [null];
    count += keys.length;
    for (const key of keys.slice(0, Math.max(0, mostFaults - faults.length))) {
      faults.push(
        key === null
          ? { path: pathText(issue.path), message: `${subjectText(issue.path, value)} ${complaint(issue, value)}.` }
          : unknownKey(key, issue.path, value, schema),
      );
    }
  }
  return documentInvalid(faults, count);
}

function unknownKey(key: string, path: readonly PropertyKey[], value: unknown, schema: z.ZodType): Fault {
  return {
    path: pathText([...path, key]),
    message: `${quoted(key)} is no key of ${placeText(path, value)}: delete it or mend it.${didYouMean(key, keysAt(schema, path))}`,
  };
}

function complaint(issue: z.core.$ZodIssue, root: unknown): string {
  switch (issue.code) {
    case 'invalid_type':
      return wrongType(issue.expected, at(root, issue.path));
    case 'invalid_key':
      return `has a key that ${issue.issues[0]?.message ?? 'is not allowed'}`;
    case 'too_big':
      return issue.message.startsWith('Too big') ? `has more than ${issue.maximum} entries` : issue.message;
    default:
      return issue.message;
  }
}

function wrongType(expected: string, found: unknown): string {
  if (found === undefined) return 'is missing: state it';
  if (found === null) return 'is empty: state it, or leave the key out';
  switch (expected) {
    case 'string':
      return typeof found === 'object' ? 'must be text' : `must be text: put ${quoted(String(found))} in quotes`;
    case 'boolean':
      return 'must be true or false, without quotes';
    case 'array':
      return typeof found === 'object'
        ? 'must be a list'
        : `must be a list, such as [${JSON.stringify(found)?.slice(0, 60)}]`;
    default:
      return 'must be a group of keys with their values';
  }
}

/** `website of "Twilio Inc."`, `entry 2 of purposes of "Twilio Inc."`, `entry 4 of subProcessors`. */
function subjectText(path: readonly PropertyKey[], root: unknown): string {
  if (path.length === 0) return 'The document';
  const last = path.at(-1);
  const isEntry = typeof last === 'number';
  const label = isEntry ? `entry ${last + 1} of ${String(path.at(-2) ?? 'the list')}` : String(last);
  for (let length = path.length - 1; length > 0; length--) {
    const name = nameOf(at(root, path.slice(0, length)));
    if (name !== null && last !== 'name') return `${label} of ${quoted(name)}`;
  }
  return last === 'name' && path.length > 2
    ? `name of entry ${Number(path.at(-2)) + 1} of ${String(path.at(-3))}`
    : label;
}

function placeText(path: readonly PropertyKey[], root: unknown): string {
  if (path.length === 0) return 'the document';
  const name = nameOf(at(root, path));
  return name === null ? subjectText(path, root) : quoted(name);
}

function nameOf(value: unknown): string | null {
  if (typeof value !== 'object' || value === null || !('name' in value)) return null;
  return typeof value.name === 'string' && value.name.trim() !== '' ? value.name : null;
}

function at(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root;
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Object.getOwnPropertyDescriptor(value, key)?.value;
  }
  return value;
}

function pathText(path: readonly PropertyKey[]): string {
  return path.map((key) => String(key).slice(0, 120)).join('.');
}

function keysAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): string[] {
  if (schema instanceof z.ZodOptional) return keysAt(schema.unwrap(), path);
  const [key, ...rest] = path;
  if (schema instanceof z.ZodObject) {
    if (key === undefined) return Object.keys(schema.shape);
    const inner = schema.shape[String(key)];
    return inner === undefined ? [] : keysAt(inner, rest);
  }
  if (schema instanceof z.ZodArray && key !== undefined) return keysAt(schema.element, rest);
  if (schema instanceof z.ZodRecord && key !== undefined) return keysAt(schema.valueType, rest);
  return [];
}
