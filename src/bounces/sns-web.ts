/*
 * The two addresses of Amazon SNS that are ever called: its certificates, and the confirmation of a
 * subscription. Only with a URL that sns.ts has found to be Amazon's.
 */

export interface SnsWeb {
  /** A certificate, as PEM; null when it cannot be had. */
  fetchCertificate(url: URL): Promise<Buffer | null>;
  /** Confirms a subscription; whether SNS said so. */
  confirm(url: URL): Promise<boolean>;
}

/** A certificate has two or three kilobytes. */
const mostBytes = 64 * 1024;
/** Amazon has one for each region, and changes it once a year. */
const mostKept = 20;

/**
 * The real one; certificates are kept, as each event would fetch the same.
 * @param timeoutMs how long an answer may take, to its last byte
 */
export function createSnsWeb(timeoutMs = 5_000): SnsWeb {
  const kept = new Map<string, Buffer>();
  return {
    async fetchCertificate(url) {
      const known = kept.get(url.href);
      if (known !== undefined) return known;
      const fetched = await get(url, timeoutMs);
      if (fetched === null) return null;
      const [oldest] = kept.keys();
      if (kept.size >= mostKept && oldest !== undefined) kept.delete(oldest);
      kept.set(url.href, fetched);
      return fetched;
    },
    async confirm(url) {
      return (await get(url, timeoutMs)) !== null;
    },
  };
}

/** The body of a 200; null for anything else, a redirect and a body that is too long included. */
async function get(url: URL, timeoutMs: number): Promise<Buffer | null> {
  try {
    const answer = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(timeoutMs) });
    if (answer.status !== 200 || answer.body === null) return null;
    const parts: Uint8Array[] = [];
    let length = 0;
    for await (const part of answer.body) {
      length += part.length;
      // Leaving the loop ends the request.
      if (length > mostBytes) return null;
      parts.push(part);
    }
    return Buffer.concat(parts);
  } catch {
    return null;
  }
}
