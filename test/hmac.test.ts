import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import t from 'tap';
import { hmacHex } from '../src/hmac.js';

t.test('it is the HMAC of node:crypto, for keys shorter, as long and longer than a block', async (t) => {
  fc.assert(
    fc.property(
      fc.string({ minLength: 1, maxLength: 200, unit: 'binary' }),
      fc.uint8Array({ minLength: 1 }),
      (key, bytes) => {
        t.equal(hmacHex(key, Buffer.from(bytes)), createHmac('sha256', key).update(bytes).digest('hex'));
      },
    ),
  );
});
