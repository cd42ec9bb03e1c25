import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

/*
 * Real X.509 certificates for the tests, signed by their own key: the few lines of DER that one has (RFC 5280, 4.1).
 */

const kinds = {
  integer: 0x02,
  bits: 0x03,
  oid: 0x06,
  text: 0x0c,
  sequence: 0x30,
  set: 0x31,
  time: 0x17,
  version: 0xa0,
};

function der(kind: keyof typeof kinds, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([kinds[kind], ...size]), content]);
}

const commonName = der('oid', Buffer.from('550403', 'hex'));
const sha256WithRsa = der('sequence', der('oid', Buffer.from('2a864886f70d01010b', 'hex')), Buffer.from('0500', 'hex'));

export interface Certificate {
  pem: Buffer;
  privateKey: KeyObject;
}

/** A certificate of RSA-2048 that is valid from one moment to another. */
export function selfSigned(from: Date, to: Date): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const name = der('sequence', der('set', der('sequence', commonName, der('text', Buffer.from('sns.amazonaws.com')))));
  const body = der(
    'sequence',
    der('version', der('integer', Buffer.from([2]))),
    der('integer', Buffer.from([1])),
    sha256WithRsa,
    name,
    der('sequence', timeOf(from), timeOf(to)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
  );
  const signature = der('bits', Buffer.from([0]), sign('sha256', body, privateKey));
  const text = der('sequence', body, sha256WithRsa, signature).toString('base64').replace(/.{64}/g, '$&\n');
  return { pem: Buffer.from(`-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`), privateKey };
}

/** `270104090000Z` */
function timeOf(moment: Date): Buffer {
  return der(
    'time',
    Buffer.from(
      `${moment
        .toISOString()
        .replace(/[-:T]|\.\d+/g, '')
        .slice(2)}`,
    ),
  );
}
