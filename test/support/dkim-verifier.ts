import { spawn } from 'node:child_process';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import type { Test } from 'tap';
import { z } from 'zod';
import { hasTool } from './tools.js';

/*
 * An implementation of DKIM that is not ours: dkimpy (Debian: python3-dkim, and python3-nacl for Ed25519).
 */

export interface TestKey {
  selector: string;
  /** PEM. */
  privateKey: string;
  /** What the DNS says at `SELECTOR._domainkey.DOMAIN`. */
  record: string;
}

export function makeKey(kind: 'rsa' | 'ed25519', selector: string, bits = 2_048): TestKey {
  const { privateKey } =
    kind === 'rsa' ? generateKeyPairSync('rsa', { modulusLength: bits }) : generateKeyPairSync('ed25519');
  const der = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  // RFC 8463, 4: the bare 32 bytes, without the frame that says what they are.
  const published = (kind === 'rsa' ? der : der.subarray(-32)).toString('base64');
  return {
    selector,
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    record: `v=DKIM1; k=${kind}; p=${published}`,
  };
}

/** Whether the verifier is there; see `hasTool`. Debian's Python, whatever else is in the PATH. */
export function hasVerifier(t: Test): Promise<boolean> {
  return hasTool(t, python, ['-c', 'import dkim, nacl'], 'python3-dkim and python3-nacl');
}

const python = '/usr/bin/python3';
const program = `
import base64, dkim, json, sys
given = json.load(sys.stdin)
def lookup(name, timeout=5):
    return given['records'].get(name.decode().rstrip('.'), '').encode()
def signatures(message):
    for at in range(sum(1 for name, _ in dkim.DKIM(message).headers if name.lower() == b'dkim-signature')):
        one = dkim.DKIM(message)
        try:
            right, why = one.verify(idx=at, dnsfunc=lookup), ''
        except dkim.DKIMException as error:
            right, why = False, str(error)
        tags = {name.decode(): value.decode() for name, value in (one.signature_fields or {}).items()}
        yield {'right': right, 'why': why, 'tags': tags}
json.dump([list(signatures(base64.b64decode(message))) for message in given['messages']], sys.stdout)
`;

const signature = z.object({ right: z.boolean(), why: z.string(), tags: z.record(z.string(), z.string()) });
export type Verified = z.infer<typeof signature>;

/** What the verifier finds of the signatures of each message, from the top. */
export async function verifySignatures(
  messages: readonly Buffer[],
  domain: string,
  keys: readonly TestKey[],
): Promise<Verified[][]> {
  const records = Object.fromEntries(keys.map(({ selector, record }) => [`${selector}._domainkey.${domain}`, record]));
  const child = spawn(python, ['-c', program], { stdio: ['pipe', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.stdin.end(JSON.stringify({ messages: messages.map((message) => message.toString('base64')), records }));
  await once(child, 'close');
  return z.array(z.array(signature)).parse(JSON.parse(output));
}
