import { TextDecoder } from 'node:util';
import { inflateRawSync } from 'node:zlib';

/*
 * PURE. The files of a ZIP archive (APPNOTE 6.3), one at a time and never more than was allowed: an archive of
 * some kilobytes can claim to hold gigabytes.
 */

export interface Archive {
  names: readonly string[];
  /** A file's bytes; null: there is none of this name. Throws `ZipError` where it is broken or too large. */
  read(name: string): Uint8Array | null;
}

export class ZipError extends Error {
  readonly isTooLarge: boolean;

  constructor(message: string, isTooLarge = false) {
    super(message);
    this.name = 'ZipError';
    this.isTooLarge = isTooLarge;
  }
}

const signatures = { end: 0x06054b50, entry: 0x02014b50, file: 0x04034b50 } as const;
const mostFiles = 5_000;

interface Entry {
  method: number;
  packed: number;
  offset: number;
}

/**
 * Opens an archive. Throws `ZipError` for what is none, or is encrypted.
 * @param budget bytes that all files that are read may come to
 */
export function openZip(bytes: Uint8Array, budget: number): Archive {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries = entriesOf(bytes, view);
  let left = budget;
  return {
    names: [...entries.keys()],
    read: (name) => {
      const entry = entries.get(name);
      if (entry === undefined) return null;
      const content = contentOf(bytes, view, entry, left);
      left -= content.length;
      return content;
    },
  };
}

function entriesOf(bytes: Uint8Array, view: DataView): Map<string, Entry> {
  const end = endOf(view);
  const count = view.getUint16(end + 10, true);
  if (count > mostFiles) throw new ZipError('the archive holds too many files', true);
  const entries = new Map<string, Entry>();
  let at = view.getUint32(end + 16, true);
  for (let index = 0; index < count; index++) {
    if (at + 46 > bytes.length || view.getUint32(at, true) !== signatures.entry)
      throw new ZipError('its directory is broken');
    if ((view.getUint16(at + 8, true) & 1) === 1) throw new ZipError('it is encrypted');
    const [nameLength, extra, comment] = [28, 30, 32].map((offset) => view.getUint16(at + offset, true));
    const nameEnd = at + 46 + (nameLength ?? 0);
    const name = new TextDecoder('utf-8').decode(bytes.subarray(at + 46, nameEnd));
    entries.set(name.replaceAll('\\', '/'), {
      method: view.getUint16(at + 10, true),
      packed: view.getUint32(at + 20, true),
      offset: view.getUint32(at + 42, true),
    });
    at = nameEnd + (extra ?? 0) + (comment ?? 0);
  }
  return entries;
}

/** Where the directory's end record stands: last, before a comment of at most 64 KiB. */
function endOf(view: DataView): number {
  const lowest = Math.max(0, view.byteLength - 22 - 0xffff);
  for (let at = view.byteLength - 22; at >= lowest; at--) {
    if (view.getUint32(at, true) === signatures.end) return at;
  }
  throw new ZipError('it has no directory');
}

function contentOf(bytes: Uint8Array, view: DataView, { method, packed, offset }: Entry, limit: number): Uint8Array {
  if (offset + 30 > bytes.length || view.getUint32(offset, true) !== signatures.file)
    throw new ZipError('a file is missing');
  const start = offset + 30 + view.getUint16(offset + 26, true) + view.getUint16(offset + 28, true);
  const content = bytes.subarray(start, start + packed);
  if (content.length < packed) throw new ZipError('it is cut off');
  if (method === 0) {
    if (content.length > limit) throw new ZipError('it is too large', true);
    return content;
  }
  if (method !== 8) throw new ZipError('it is packed in a way that is not known');
  try {
    // The length that the directory states may lie: what counts is what comes out.
    return inflateRawSync(content, { maxOutputLength: Math.max(1, limit) });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    throw new ZipError('a file is broken', code === 'ERR_BUFFER_TOO_LARGE');
  }
}
