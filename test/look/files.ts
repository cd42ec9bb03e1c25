import { deflateSync } from 'node:zlib';

/*
 * The smallest files of each kind that settings take, made here: nobody else's logo and font.
 */

/** A picture of one colour. */
export function aPng(width: number, height: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 0, 0, 0, 0], 8);
  // A row begins with the number of its filter: none.
  const row = Buffer.concat([Buffer.alloc(1), Buffer.alloc(width, 0xd0)]);
  const pixels = deflateSync(Buffer.concat(Array.from({ length: height }, () => row)));
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', header),
    chunk('IDAT', pixels),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** Its beginning, up to the header that says the size. */
export function aJpeg(width: number, height: number): Buffer {
  const app = Buffer.from('ffe000104a46494600010100000100010000', 'hex');
  const frame = Buffer.from('ffc0000b0800000000011100', 'hex');
  frame.writeUInt16BE(height, 5);
  frame.writeUInt16BE(width, 7);
  return Buffer.concat([Buffer.from('ffd8', 'hex'), app, frame, Buffer.from('ffd9', 'hex')]);
}

/** The header and the directory of a WOFF2 font: `head`, `glyf` and, if it is variable, `fvar`. */
export function aFont({ variable = false }: { variable?: boolean } = {}): Buffer {
  // Flags with the table's number, then its length; glyf is transformed and has two lengths.
  const tables = [[0x01, 0x36], [0x0a, 0x81, 0x00, 0x40], ...(variable ? [[0x2f, 0x20]] : [])];
  const directory = Buffer.from(tables.flat());
  const header = Buffer.alloc(48);
  header.write('wOF2', 0, 'latin1');
  header.writeUInt32BE(0x00010000, 4);
  header.writeUInt32BE(48 + directory.length, 8);
  header.writeUInt16BE(tables.length, 12);
  return Buffer.concat([header, directory]);
}

function chunk(type: string, data: Buffer): Buffer {
  const typed = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(typed));
  return Buffer.concat([length, typed, sum]);
}

/** PNG (ISO/IEC 15948), annex D. */
function crc32(data: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
