import { connect, type Socket } from 'node:net';
import type { Test } from 'tap';

export interface MailClient {
  socket: Socket;
  /** Sends a line, or bytes as they are, and gives the whole reply. */
  say(line: string | Buffer): Promise<string>;
  /** The next reply, to what was sent before. */
  reply(): Promise<string>;
  /** A mail from beginning to end: the replies to each recipient, and those to its content. */
  hand(mail: string, envelope: { from?: string; to: string[] }): Promise<{ rcpt: string[]; data: string[] }>;
  /** Resolves when the other side has ended. */
  ended: Promise<void>;
}

/** A mail server that hands mail over: lines on a socket, without any library. */
export async function connectMail(t: Test, port: number, protocol: 'lmtp' | 'smtp'): Promise<MailClient> {
  const socket = connect(port, '127.0.0.1');
  t.teardown(() => socket.destroy());
  socket.on('error', () => undefined);
  const ended = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  const replies: string[] = [];
  const waiting: ((reply: string) => void)[] = [];
  let text = '';
  let multi = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    for (let end = text.indexOf('\r\n'); end >= 0; end = text.indexOf('\r\n')) {
      const line = text.slice(0, end);
      text = text.slice(end + 2);
      multi += multi === '' ? line : `\n${line}`;
      if (line[3] === '-') continue;
      const whole = multi;
      multi = '';
      const next = waiting.shift();
      if (next) next(whole);
      else replies.push(whole);
    }
  });
  socket.on('close', () => {
    for (const next of waiting.splice(0)) next('closed');
  });
  const reply = (): Promise<string> => {
    const known = replies.shift();
    if (known !== undefined) return Promise.resolve(known);
    if (socket.destroyed) return Promise.resolve('closed');
    return new Promise((resolve) => waiting.push(resolve));
  };
  const say = (line: string | Buffer) => {
    socket.write(typeof line === 'string' ? `${line}\r\n` : line);
    return reply();
  };
  const client: MailClient = {
    socket,
    say,
    reply,
    ended,
    async hand(mail, { from = '', to }) {
      await say(`MAIL FROM:<${from}>`);
      const rcpt: string[] = [];
      for (const one of to) rcpt.push(await say(`RCPT TO:<${one}>`));
      const first = await say('DATA');
      if (!first.startsWith('354')) return { rcpt, data: [first] };
      const stuffed = mail.replace(/\r?\n/g, '\r\n').replace(/^\./gm, '..');
      const data = [await say(`${stuffed}\r\n.`)];
      const taken = rcpt.filter((one) => one.startsWith('250')).length;
      while (protocol === 'lmtp' && data.length < taken) data.push(await reply());
      return { rcpt, data };
    },
  };
  await reply();
  await say(protocol === 'lmtp' ? 'LHLO mx.example.net' : 'EHLO mx.example.net');
  return client;
}
