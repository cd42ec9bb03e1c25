import { Unzip, UnzipInflate } from 'fflate';
import { Refusal } from '../../errors.js';
import { most, unreadable } from './unreadable.js';

/*
 * PURE. The files of a ZIP archive, unpacked piece by piece and never more than is allowed: an archive of some
 * kilobytes can unpack to gigabytes, and the sizes that it states can lie.
 */

/** A piece unpacks to a thousand times its size at most. */
const piece = 8 * 1024;

/**
 * The files whose names are wanted. Refuses `import.unreadable` for what is no archive, is damaged or too large.
 */
export function unzip(bytes: Uint8Array, isWanted: (name: string) => boolean): Map<string, Uint8Array> {
  const pieces = new Map<string, Uint8Array[]>();
  let left: number = most.unpacked;
  let broken = false;
  const archive = new Unzip((file) => {
    const name = file.name.replaceAll('\\', '/');
    if (!isWanted(name)) return;
    if ((file.originalSize ?? 0) > left) throw unreadable('too-large');
    const content: Uint8Array[] = [];
    pieces.set(name, content);
    file.ondata = (error, data) => {
      broken ||= error !== null;
      left -= data?.length ?? 0;
      if (left < 0) throw unreadable('too-large');
      if (data?.length) content.push(data);
    };
    file.start();
  });
  archive.register(UnzipInflate);
  try {
    for (let at = 0; at < bytes.length; at += piece) {
      archive.push(bytes.subarray(at, at + piece), at + piece >= bytes.length);
    }
  } catch (error) {
    if (left < 0) throw unreadable('too-large');
    throw error instanceof Refusal ? error : unreadable('broken-sheet');
  }
  if (broken) throw unreadable('broken-sheet');
  return new Map([...pieces].map(([name, content]) => [name, Buffer.concat(content)]));
}
