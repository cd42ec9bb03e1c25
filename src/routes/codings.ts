import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

/*
 * Content codings (RFC 9110, 8.4 and 12.5.3): which of them a client takes, and how a body is packed in them.
 */

/** As in `Content-Encoding`; `identity` is the body as it is. */
export type Coding = 'br' | 'gzip' | 'identity';

/** What a client that says nothing gets. */
export const onlyIdentity: readonly Coding[] = ['identity'];

/** Of what a client likes as much as another, the first here is sent. */
const own: readonly Coding[] = ['br', 'gzip', 'identity'];
const longestHeader = 500;
const mostHeaders = 200;
const known = new Map<string, readonly Coding[]>();

/**
 * The codings that an `Accept-Encoding` header lets us choose from, the dearest first. One that allows nothing that we
 * have is not heeded: a page that some program cannot ask for is of no use to anybody (RFC 9110, 12.1).
 */
export function codingsFor(header: string | undefined): readonly Coding[] {
  if (header === undefined) return onlyIdentity;
  const found = known.get(header);
  if (found !== undefined) return found;
  const read = readHeader(header.slice(0, longestHeader));
  // Browsers send a handful of them; what somebody makes up is not kept for ever.
  if (known.size >= mostHeaders) known.clear();
  if (header.length <= longestHeader) known.set(header, read);
  return read;
}

function readHeader(header: string): readonly Coding[] {
  const weights = new Map<string, number>();
  for (const part of header.toLowerCase().split(',')) {
    const [name = '', ...parameters] = part.split(';').map((piece) => piece.trim());
    const q = parameters.map((parameter) => /^q=([01](?:\.\d{0,3})?)$/.exec(parameter)?.[1]).find(Boolean);
    // RFC 9110, 8.4.1.3: the old name of gzip.
    if (name !== '') weights.set(name === 'x-gzip' ? 'gzip' : name, q === undefined ? 1 : Number(q));
  }
  const others = weights.get('*');
  // Unless it is refused, the body as it is may always be sent: it is what is left when all else is.
  const weightOf = (coding: Coding) => weights.get(coding) ?? others ?? (coding === 'identity' ? 0.0001 : 0);
  const taken = own.filter((coding) => weightOf(coding) > 0).sort((a, b) => weightOf(b) - weightOf(a));
  return taken.length === 0 ? onlyIdentity : taken;
}

const packable =
  /^(?:text\/|image\/svg\+xml|application\/(?:[\w.-]+\+)?(?:json|xml|yaml)|application\/(?:javascript|x-ndjson))/i;
/** It fits one packet either way. */
const leastBytes = 1_024;

/** Whether packing is of use: text of some length. Pictures, PDF and workbooks are packed already. */
export function isPackable(type: string, bytes: number): boolean {
  return bytes >= leastBytes && packable.test(type);
}

/** To this size a body is packed as tight as is quick enough to be waited for: some 20 ms. */
const tightBytes = 256 * 1024;
const brotli = promisify(brotliCompress);
const zip = promisify(gzip);

/**
 * Packs a body on a thread of its own.
 * @param isKept it is sent many times, so that it may take longer
 */
export async function pack(body: Buffer, coding: 'br' | 'gzip', isKept: boolean): Promise<Buffer> {
  const isSmall = isKept && body.length <= tightBytes;
  if (coding === 'gzip') return zip(body, { level: isSmall ? 9 : 6 });
  return brotli(body, {
    params: {
      [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
      [constants.BROTLI_PARAM_QUALITY]: isSmall ? 9 : 5,
      [constants.BROTLI_PARAM_SIZE_HINT]: body.length,
    },
  });
}

// Another version of a library packs the same body into other bytes, and a strong tag must not say that they are the
// same (RFC 9110, 8.8.1): while instances are replaced one by one, both are asked.
const packers = createHash('sha256')
  .update([process.arch, process.versions.brotli, process.versions.zlib, 'text 9 5 9 6'].join(' '))
  .digest('base64url')
  .slice(0, 4);

/** The strong tag of a body in a coding, from that of the body itself (RFC 9110, 8.8.3.3). */
export function tagIn(coding: Coding, etag: string): string {
  return coding === 'identity' ? etag : `${etag.slice(0, -1)}-${coding}-${packers}"`;
}
