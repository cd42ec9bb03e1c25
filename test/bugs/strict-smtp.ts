import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import type { Test } from 'tap';

export interface StrictSmtp {
  url: string;
  /** Recipients whose mail was taken. */
  taken: string[];
  /** Each command line and what it was answered. */
  dialogue: { line: string; reply: string }[];
  /** Commands that came before the one before them was answered, though nobody had offered that. */
  readonly tooEarly: number;
  /** Connections that were turned away, as one was open already. */
  readonly turnedAway: number;
}

export interface StrictOptions {
  pipelining: boolean;
  /** What RCPT is answered; undefined: accepted. */
  refuse: (address: string) => string | undefined;
}

/**
 * A relay that keeps to the letter, written without a library: it has one connection to give, and after a
 * refused recipient it wants RSET before it hears of another mail.
 */
export async function startStrictSmtp(t: Test, options: StrictOptions): Promise<StrictSmtp> {
  const kept: Kept = { taken: [], dialogue: [], tooEarly: 0, turnedAway: 0 };
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    // A client that goes away is no fault here.
    socket.on('error', () => undefined);
    if (sockets.size > 0) {
      kept.turnedAway += 1;
      socket.end('421 4.7.0 one connection is enough\r\n');
      return;
    }
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    converse(socket, options, kept);
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
  return Object.assign(kept, { url: `smtp://127.0.0.1:${address.port}` });
}

type Kept = { -readonly [Key in Exclude<keyof StrictSmtp, 'url'>]: StrictSmtp[Key] };

const offered = ['8BITMIME', 'SIZE 10000000', 'ENHANCEDSTATUSCODES'];

function converse(socket: Socket, { pipelining, refuse }: StrictOptions, kept: Kept): void {
  let waiting = '';
  let inMail = false;
  let recipients: string[] = [];
  let inData = false;

  const answer = (line: string): string => {
    const verb = line.slice(0, 4).toUpperCase();
    const address = /<(.*)>/.exec(line)?.[1] ?? '';
    switch (verb) {
      case 'EHLO':
        return ['strict.example', ...(pipelining ? ['PIPELINING'] : []), ...offered]
          .map((word, index, { length }) => `250${index === length - 1 ? ' ' : '-'}${word}`)
          .join('\r\n');
      case 'MAIL':
        if (inMail) return '503 5.5.1 the transaction before is still open';
        inMail = true;
        return '250 2.1.0 fine';
      case 'RCPT': {
        if (!inMail) return '503 5.5.1 MAIL first';
        const refused = refuse(address);
        if (refused !== undefined) return refused;
        recipients.push(address);
        return '250 2.1.5 fine';
      }
      case 'DATA':
        if (recipients.length === 0) return inMail ? '554 5.5.1 no valid recipients' : '503 5.5.1 MAIL first';
        inData = true;
        return '354 go on';
      case 'RSET':
        inMail = false;
        recipients = [];
        return '250 2.0.0 fine';
      case 'NOOP':
        return '250 2.0.0 fine';
      case 'QUIT':
        return '221 2.0.0 bye';
      default:
        return '502 5.5.1 not understood';
    }
  };

  socket.write('220 strict.example ESMTP\r\n');
  socket.setEncoding('latin1').on('data', (text: string) => {
    waiting += text;
    for (;;) {
      const mark = inData ? '\r\n.\r\n' : '\r\n';
      const end = waiting.indexOf(mark);
      if (end < 0) return;
      const line = inData ? '(message)' : waiting.slice(0, end);
      waiting = waiting.slice(end + mark.length);
      let reply: string;
      if (inData) {
        kept.taken.push(...recipients);
        [inData, inMail, recipients] = [false, false, []];
        reply = '250 2.0.0 taken';
      } else reply = answer(line);
      if (!pipelining && !inData && waiting !== '') kept.tooEarly += 1;
      kept.dialogue.push({ line, reply });
      socket.write(`${reply}\r\n`);
      if (line.toUpperCase() === 'QUIT') socket.end();
    }
  });
}
