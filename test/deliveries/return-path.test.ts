import fc from 'fast-check';
import t from 'tap';
import { readConfig } from '../../src/config.js';
import { deliveryOfReturnPath, returnPath } from '../../src/deliveries/return-path.js';
import { parseAddress } from '../../src/mail/address.js';
import { signLink } from '../../src/subscribers/tokens.js';

const old = 'the old key, which is long enough for this';
const young = 'the new key, which is long enough for that';
const mailFrom = { name: 'Notices', address: 'notices@example.org' };

const configured = (bounceAddress: string | null, ...secretKeys: string[]) => ({ bounceAddress, mailFrom, secretKeys });
const byPlus = configured('bounces@example.org', old);
const ids = fc.integer({ min: 1, max: 2 ** 47 });

t.test('every delivery has an envelope sender of its own, and is known by it', async (t) => {
  const holds = fc.property(ids, (id) => {
    const address = returnPath(byPlus, id);
    const local = address.slice(0, address.lastIndexOf('@'));
    return (
      /^bounces\+[a-z0-9]{24}@example\.org$/.test(address) &&
      local.length <= 64 &&
      parseAddress(address) !== null &&
      deliveryOfReturnPath([old], address) === id
    );
  });
  t.doesNotThrow(() => fc.assert(holds, { numRuns: 2_000 }));
  t.equal(deliveryOfReturnPath([old], returnPath(byPlus, 1)), 1);
  t.equal(deliveryOfReturnPath([old], returnPath(byPlus, 2 ** 47)), 2 ** 47);
});

t.test('it is known in capitals, too, and whatever a forwarder writes around it', async (t) => {
  const holds = fc.property(ids, fc.infiniteStream(fc.boolean()), (id, capitals) => {
    const address = returnPath(byPlus, id);
    const shouted = [...address].map((sign) => (capitals.next().value === true ? sign.toUpperCase() : sign)).join('');
    return deliveryOfReturnPath([old], shouted) === id;
  });
  t.doesNotThrow(() => fc.assert(holds));
  const address = returnPath(byPlus, 1_234);
  const token = address.slice('bounces+'.length, address.indexOf('@'));
  for (const seen of [
    address.toUpperCase(),
    `<${address}>`,
    ` ${address}\r\n`,
    `"bounces+${token}"@example.org`,
    `bounces+${token}+more@elsewhere.example`,
    `SRS0=k3Jx=7Q=example.org=bounces+${token}@forward.example`,
    `SRS1=abcd=relay.example==k3Jx=7Q=example.org=bounces+${token}@forward.example`,
    `prvs=1234abcdef=bounces+${token}@example.org`,
    `bounces+${token}%example.org@relay.example`,
    `@relay.example:bounces+${token}@example.org`,
    `bounces${token}here@example.org`,
  ]) {
    t.equal(deliveryOfReturnPath([old], seen), 1_234, seen.trim());
  }
});

t.test('a star says where the token goes', async (t) => {
  for (const [bounceAddress, form] of [
    ['*@bounces.example.org', /^[a-z2-7]{24}@bounces\.example\.org$/],
    ['bounces-*@example.org', /^bounces-[a-z2-7]{24}@example\.org$/],
    ['bounces+*@example.org', /^bounces\+[a-z2-7]{24}@example\.org$/],
    ['b*ack@example.org', /^b[a-z2-7]{24}ack@example\.org$/],
  ] as const) {
    const config = configured(bounceAddress, old);
    const holds = fc.property(ids, (id) => {
      const address = returnPath(config, id);
      return form.test(address) && deliveryOfReturnPath([old], address) === id;
    });
    t.doesNotThrow(() => fc.assert(holds), bounceAddress);
  }
});

t.test('a BOUNCE_ADDRESS that would make addresses which no relay takes stops the start', async (t) => {
  const read = (address: string) => readConfig({ BOUNCE_ADDRESS: address }).bounceAddress;
  const longest = `${'b'.repeat(39)}@example.org`;
  t.equal(returnPath(configured(read(longest), old), 2 ** 47).indexOf('@'), 64);
  for (const wrong of [
    `b${longest}`,
    '**@example.org',
    'bounces',
    'a@b@example.org',
    'b@example.org\r\nBcc: x@evil.example',
  ]) {
    t.throws(
      () => read(wrong),
      { message: /^BOUNCE_ADDRESS: .*write one such as bounces@example\.org/ },
      JSON.stringify(wrong),
    );
  }
});

t.test('without BOUNCE_ADDRESS mail comes back to the sender that readers see', async (t) => {
  t.equal(returnPath(configured(null, old), 17), 'notices@example.org');
  t.equal(returnPath(configured(null), 17), 'notices@example.org');
});

t.test('any one character changed, and what was never made by us, names nothing', async (t) => {
  const token = returnPath(configured('*@example.org', old), 17).slice(0, 24);
  const wrong: string[] = [];
  for (let place = 0; place < token.length; place += 1) {
    for (const sign of 'abcdefghijklmnopqrstuvwxyz0123456789-+=') {
      const changed = `${token.slice(0, place)}${sign}${token.slice(place + 1)}`;
      if (changed !== token && deliveryOfReturnPath([old], `bounces+${changed}@example.org`) !== null)
        wrong.push(changed);
    }
  }
  t.strictSame(wrong, []);
  for (const odd of [
    '',
    '@',
    'bounces@example.org',
    'bounces+@example.org',
    `bounces+${token.slice(1)}@example.org`,
    `bounces+${token.slice(0, 23)}@example.org`,
    `bounces+${'a'.repeat(24)}@example.org`,
    'é'.repeat(24),
    '\0'.repeat(24),
    `${'x'.repeat(600)}${token}@example.org`,
    signLink([old], 'unsubscribe', 17),
  ]) {
    t.equal(deliveryOfReturnPath([old], odd), null, JSON.stringify(odd.slice(0, 60)));
  }
  const holds = fc.property(fc.string({ maxLength: 400 }), (text) => deliveryOfReturnPath([old], text) === null);
  t.doesNotThrow(() => fc.assert(holds));
});

t.test('a new key signs from now on, and reports of older mail are still known', async (t) => {
  const before = returnPath(byPlus, 17);
  const after = returnPath(configured('bounces@example.org', young, old), 17);
  t.not(after, before);
  t.equal(deliveryOfReturnPath([young, old], before), 17);
  t.equal(deliveryOfReturnPath([young, old], after), 17);
  t.equal(deliveryOfReturnPath([young], before), null, 'once the old key is gone, so are its addresses');
  t.equal(deliveryOfReturnPath([], before), null);
});

t.test('a long address of letters alone costs little, as strangers may send it', async (t) => {
  const started = process.hrtime.bigint();
  for (let time = 0; time < 20; time += 1) deliveryOfReturnPath([old, young], 'a'.repeat(10_000_000));
  const ms = Number(process.hrtime.bigint() - started) / 1e6;
  t.ok(ms < 2_000, `${ms.toFixed(0)} ms for twenty`);
});
