import { array, assert, constantFrom, integer, property, string, tuple } from 'fast-check';
import t from 'tap';
import { createReplyReader, toReply } from '../../src/mail/reply.js';

type Heard = [code: number, words: string] | ['nonsense'];

function readIn(pieces: readonly Buffer[]): { heard: Heard[]; rest: string } {
  const heard: Heard[] = [];
  const reader = createReplyReader({
    reply: (code, words) => heard.push([code, words]),
    nonsense: () => heard.push(['nonsense']),
  });
  for (const piece of pieces) reader.push(piece);
  return { heard, rest: reader.rest() };
}

const words = string({ unit: constantFrom('a', 'ü', '示', ' ', '-', '2', '.'), maxLength: 20 });
const aReply = tuple(integer({ min: 200, max: 599 }), array(words, { minLength: 1, maxLength: 4 }));

t.test('replies are read however they are cut and put together', async () => {
  await assert(
    property(array(aReply, { maxLength: 6 }), array(integer({ min: 1, max: 40 })), (replies, cuts) => {
      const texts = replies.map(([code, lines]) =>
        lines.map((line, at) => `${code}${at === lines.length - 1 ? ' ' : '-'}${line}`).join('\r\n'),
      );
      const bytes = Buffer.from(texts.map((text) => `${text}\r\n`).join(''));
      const pieces: Buffer[] = [];
      let at = 0;
      for (const cut of cuts) {
        pieces.push(bytes.subarray(at, at + cut));
        at += cut;
      }
      pieces.push(bytes.subarray(at));
      const { heard, rest } = readIn(pieces);
      const expected = texts.map((text, n) => [replies[n]?.[0], text]);
      return (
        rest === '' &&
        JSON.stringify(heard.map(([code, text]) => [code, String(text).trimEnd()])) ===
          JSON.stringify(expected.map(([code, text]) => [code, String(text).trimEnd()]))
      );
    }),
  );
});

t.test('a bare code, a bare LF and Latin-1 are put up with', async (t) => {
  t.same(readIn([Buffer.from('250\r\n354 go\n')]).heard, [
    [250, '250\r'],
    [354, '354 go'],
  ]);
  t.same(readIn([Buffer.from('550 unbekannter Empf\u00e4nger\r\n', 'latin1')]).heard, [
    [550, '550 unbekannter Empf\u00e4nger\r'],
  ]);
});

t.test('what is no reply is told at once, and nothing after it', async (t) => {
  for (const text of [
    '\r\n',
    'hello\r\n',
    '25 x\r\n',
    '2500 x\r\n',
    '199 x\r\n',
    '600 x\r\n',
    '250-a\r\n251 b\r\n',
    '250:x\r\n',
  ]) {
    t.same(readIn([Buffer.from(`${text}250 fine\r\n`)]).heard, [['nonsense']], JSON.stringify(text));
  }
  t.same(readIn([Buffer.alloc(20_000, '250-x')]).heard, [['nonsense']], 'too long for a line');
  t.same(readIn([Buffer.from('250-a\r\n'.repeat(3_000))]).heard, [['nonsense']], 'too many lines');
});

t.test('what a relay says is kept as one line that a database takes', async (t) => {
  t.match(toReply('rejected', 'rcpt', '550-5.1.1 no\u0000 such\tuser\r\n550 5.1.1 here'), {
    code: 550,
    enhanced: '5.1.1',
    response: '550 5.1.1 no  such user here',
  });
  t.equal(toReply('accepted', 'data', `250 ${'x'.repeat(5_000)}`).response.length, 1_000);
  t.match(toReply('unreachable', 'mail', 'Timeout'), { code: null, enhanced: null, response: 'Timeout' });
});
