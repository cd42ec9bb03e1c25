import { readFile } from 'node:fs/promises';
import { OperatorError, type Refusal } from '../errors.js';
import type { ListDocument } from '../list/document.js';
import { readList } from '../list/read.js';

export interface ListText {
  text: string;
  format: 'json' | 'yaml';
}

/** A file's text, JSON by the name's ending and YAML else; `-` is standard input. */
export async function readListText(path: string): Promise<ListText> {
  return { text: await readText(path), format: path.toLowerCase().endsWith('.json') ? 'json' : 'yaml' };
}

/** A list document from a file. Refuses `document.invalid` as readList does. */
export async function readListFile(path: string, base: ListDocument | null = null): Promise<ListDocument> {
  const { text, format } = await readListText(path);
  return readList(text, format, base);
}

/** One line a fault, in the form that editors jump to: `file:line: path: message`. */
export function faultLines(path: string, refusal: Refusal): string[] {
  const place = (line: number | undefined) => (line === undefined ? path : `${path}:${line}`);
  if (refusal.errors.length === 0) return [`${path}: ${refusal.message}`];
  return refusal.errors.map(
    (fault) => `${place(fault.line)}: ${fault.path === '' ? '' : `${fault.path}: `}${fault.message}`,
  );
}

async function readText(path: string): Promise<string> {
  try {
    if (path !== '-') return await readFile(path, 'utf8');
    let text = '';
    for await (const part of process.stdin.setEncoding('utf8')) text += part;
    return text;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    throw new OperatorError(`${path}: cannot be read (${code}); name a JSON or YAML file`);
  }
}
