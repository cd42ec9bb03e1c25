import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import type { Test } from 'tap';

export interface RawMail {
  /** Lines of the envelope as they came, letter for letter. */
  envelope: string[];
  /** As sent, with the doubled dots of SMTP. */
  data: Buffer;
}

export interface RawSmtp {
  url: string;
  mails: RawMail[];
  /** Every command line of every connection. */
  lines: string[];
}

/** A relay that understands next to nothing and keeps every byte: no library reads the lines before the test does. */
export async function startRawSmtp(t: Test): Promise<RawSmtp> {
  const mails: RawMail[] = [];
  const lines: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    // A client that goes away is no fault here.
    socket.on('error', () => undefined);
    converse(socket, { mails, lines });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
  return { url: `smtp://127.0.0.1:${address.port}`, mails, lines };
}

function converse(socket: Socket, kept: Pick<RawSmtp, 'mails' | 'lines'>): void {
  const say = (reply: string) => socket.write(`${reply}\r\n`);
  let waiting = Buffer.alloc(0);
  let envelope: string[] = [];
  let inData = false;
  say('220 raw.example ESMTP');
  socket.on('data', (bytes: Buffer) => {
    waiting = Buffer.concat([waiting, bytes]);
    for (;;) {
      const end = waiting.indexOf(inData ? '\r\n.\r\n' : '\r\n');
      if (end < 0) return;
      const piece = waiting.subarray(0, end);
      waiting = waiting.subarray(end + (inData ? 5 : 2));
      if (inData) {
        kept.mails.push({ envelope, data: Buffer.from(piece) });
        envelope = [];
        inData = false;
        say('250 2.0.0 taken');
        continue;
      }
      const line = piece.toString('utf8');
      kept.lines.push(line);
      const verb = line.slice(0, 4).toUpperCase();
      if (verb === 'EHLO') say('250-raw.example\r\n250-8BITMIME\r\n250-SIZE 10000000\r\n250 SMTPUTF8');
      else if (verb === 'MAIL' || verb === 'RCPT') {
        envelope.push(line);
        say('250 2.1.0 fine');
      } else if (verb === 'DATA') {
        inData = true;
        say('354 go on');
      } else if (verb === 'RSET' || verb === 'NOOP') {
        envelope = [];
        say('250 2.0.0 fine');
      } else if (verb === 'QUIT') {
        say('221 2.0.0 bye');
        socket.end();
      } else say('502 5.5.1 not understood');
    }
  });
}
