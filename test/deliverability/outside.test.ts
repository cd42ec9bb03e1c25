import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import t, { type Test } from 'tap';
import { createOutside } from '../../src/deliverability/outside.js';

t.test('a name server that says "none" is told from one that says nothing', async (t) => {
  const port = await startNameServer(t, {
    'NS ': [exchange(0, 'a.root-servers.example').subarray(2)],
    'TXT example.org': [text('v=spf1 ', '-all'), text('other')],
    'TXT nothing.example.org': [],
    'TXT missing.example.org': 'NXDOMAIN',
    'TXT broken.example.org': 'SERVFAIL',
    'TXT refused.example.org': 'REFUSED',
    'MX example.org': [exchange(10, 'mx.example.org')],
    'MX null.example.org': [exchange(0, '')],
    'A example.org': [Buffer.from([192, 0, 2, 1])],
    'AAAA example.org': [],
    'A six.example.org': 'SERVFAIL',
    'AAAA six.example.org': [Buffer.from('20010db8000000000000000000000001', 'hex')],
    'A half.example.org': 'SERVFAIL',
    'AAAA half.example.org': [],
  });
  const outside = createOutside({ servers: [`127.0.0.1:${port}`], timeoutMs: 400 });
  const found = await outside.txt('example.org');
  t.same(found.kind === 'found' && [...found.records].sort(), ['other', 'v=spf1 -all'], 'strings are joined');
  t.same(await outside.txt('nothing.example.org'), { kind: 'none' });
  t.same(await outside.txt('missing.example.org'), { kind: 'none' });
  t.same(await outside.txt('broken.example.org'), { kind: 'unknown', because: 'ESERVFAIL' });
  t.same(await outside.txt('refused.example.org'), { kind: 'unknown', because: 'EREFUSED' });
  t.match(await outside.txt('silent.example.org'), { kind: 'unknown' });
  t.match(await outside.txt('not a name..'), { kind: 'unknown' }, 'what is no name at all');
  t.match(await outside.mx('example.org'), { kind: 'found', records: [{ exchange: 'mx.example.org', priority: 10 }] });
  t.match(await outside.mx('null.example.org'), { kind: 'found', records: [{ exchange: '', priority: 0 }] });
  t.same(await outside.addresses('example.org'), { kind: 'found', records: ['192.0.2.1'] });
  t.same(await outside.addresses('six.example.org'), { kind: 'found', records: ['2001:db8::1'] });
  t.match(await outside.addresses('half.example.org'), { kind: 'unknown' }, 'half an answer is none');
});

t.test('a name server of a closed network, which knows no name at all, proves nothing', async (t) => {
  const port = await startNameServer(t, { 'TXT example.org': 'NXDOMAIN', 'NS ': 'NXDOMAIN' });
  const outside = createOutside({ servers: [`127.0.0.1:${port}`], timeoutMs: 400 });
  t.same(await outside.txt('example.org'), { kind: 'unknown', because: 'ISOLATED' });
});

t.test('who does not take the connection is told by what the system says', async (t) => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
  const { post } = createOutside();
  t.same(await post(`http://127.0.0.1:${address.port}/`, { a: 'b' }), { kind: 'failed', because: 'ECONNREFUSED' });
});

type Reply = readonly Buffer[] | 'NXDOMAIN' | 'SERVFAIL' | 'REFUSED';
const codes = { NXDOMAIN: 3, SERVFAIL: 2, REFUSED: 5 } as const;
const types: Readonly<Record<number, string>> = { 1: 'A', 2: 'NS', 15: 'MX', 16: 'TXT', 28: 'AAAA' };

/** A name server (RFC 1035) that knows these answers, and is silent to every other question. */
async function startNameServer(t: Test, zone: Readonly<Record<string, Reply>>): Promise<number> {
  const socket = createSocket('udp4');
  socket.on('message', (query, from) => {
    const labels: string[] = [];
    let at = 12;
    for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
      labels.push(query.toString('ascii', at + 1, at + 1 + length));
      at += 1 + length;
    }
    const type = query.readUInt16BE(at + 1);
    const reply = zone[`${types[type]} ${labels.join('.').toLowerCase()}`];
    if (reply === undefined) return;
    const records = typeof reply === 'string' ? [] : reply;
    const header = Buffer.alloc(12);
    query.copy(header, 0, 0, 2);
    header.writeUInt16BE(0x8180 | (typeof reply === 'string' ? codes[reply] : 0), 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(records.length, 6);
    const answers = records.map((data) => {
      const record = Buffer.alloc(12);
      record.writeUInt16BE(0xc00c, 0);
      record.writeUInt16BE(type, 2);
      record.writeUInt16BE(1, 4);
      record.writeUInt32BE(60, 6);
      record.writeUInt16BE(data.length, 10);
      return Buffer.concat([record, data]);
    });
    socket.send(Buffer.concat([header, query.subarray(12, at + 5), ...answers]), from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  t.teardown(() => socket.close());
  return socket.address().port;
}

function text(...strings: string[]): Buffer {
  return Buffer.concat(strings.map((string) => Buffer.concat([Buffer.from([string.length]), Buffer.from(string)])));
}

function exchange(priority: number, name: string): Buffer {
  const labels = name === '' ? [] : name.split('.').map((label) => text(label));
  return Buffer.concat([Buffer.from([0, priority]), ...labels, Buffer.from([0])]);
}
