import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { createServer as createTlsServer, TLSSocket } from 'node:tls';
import type { Test } from 'tap';

/*
 * A relay that takes commands as they lie in its buffer, many at a time (RFC 2920), keeps the order of a
 * strict one (503 for what is out of turn), and misbehaves as it is told. No library reads the bytes
 * before the test does.
 */

export type Stage = 'greeting' | 'ehlo' | 'auth' | 'mail' | 'rcpt' | 'data' | 'message' | 'lone dot' | 'rset' | 'quit';

export interface Situation {
  stage: Stage;
  /** The recipient at rcpt, data and message; else the line. */
  subject: string;
  /** Number of the connection, from 1. */
  connection: number;
  /** Mails that this connection has begun, this one included. */
  mail: number;
}

/**
 * A line or several as replies; `close`; `silence` from now on; `raw` for bytes that are no whole reply.
 */
export type Answer = string | string[] | { raw: string; next?: 'close' | 'silence' } | 'close' | 'silence' | undefined;

export interface WireOptions {
  answer?: (situation: Situation) => Answer;
  /** Keywords of EHLO. */
  offers?: readonly string[];
  /** DATA is granted though each recipient was refused. */
  grantsData?: boolean;
  /** Each reply goes out byte by byte. */
  bytewise?: boolean;
  /** Replies leave when there is nothing more to read, and are lost if it hangs up before. */
  holdsReplies?: boolean;
  /** A message is answered only when the next command has come, but for the last of so many. */
  waitsForMore?: number;
  tls?: { key: string; cert: string; from: 'greeting' | 'starttls' };
  login?: { user: string; password: string };
}

export interface WireMail {
  from: string;
  to: string;
  /** Without the doubled dots. */
  data: Buffer;
  connection: number;
}

export interface WireRelay {
  port: number;
  mails: WireMail[];
  /** What was said, one line each, `.` for the end of a message: `2 RCPT TO:<a@example.org>`. */
  lines: string[];
  /** What was answered: `2 250 fine`. */
  replies: string[];
  readonly connections: number;
  /** Most connections at a time. */
  readonly widest: number;
  /** Commands that came before the one before them was answered. */
  readonly early: number;
  /** Messages behind which the next envelope lay in the buffer already. */
  readonly ahead: number;
  /** Stops or goes on reading. */
  setReading(reads: boolean): void;
  answerWith(answer: (situation: Situation) => Answer): void;
}

export const usualOffers = ['PIPELINING', 'SIZE 10000000', '8BITMIME', 'SMTPUTF8'];

export async function startWireRelay(t: Test, options: WireOptions = {}): Promise<WireRelay> {
  const relay: Pick<WireRelay, 'mails' | 'lines' | 'replies'> = { mails: [], lines: [], replies: [] };
  const sockets = new Set<Socket>();
  const count = { connections: 0, widest: 0, ahead: 0, early: 0 };
  let answer = options.answer ?? (() => undefined);
  let reads = true;

  const accept = (socket: Socket) => {
    sockets.add(socket);
    count.widest = Math.max(count.widest, sockets.size);
    socket.on('close', () => sockets.delete(socket));
    converse(socket, count.connections);
  };
  const server = options.tls?.from === 'greeting' ? createTlsServer(options.tls) : createServer({ noDelay: true });
  server.on('connection', () => {
    count.connections += 1;
  });
  server.on(options.tls?.from === 'greeting' ? 'secureConnection' : 'connection', accept);
  // A client that does not like the certificate is no fault here.
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
  return {
    port: address.port,
    ...relay,
    get connections() {
      return count.connections;
    },
    get widest() {
      return count.widest;
    },
    get early() {
      return count.early;
    },
    get ahead() {
      return count.ahead;
    },
    setReading: (now) => {
      reads = now;
      for (const socket of sockets) {
        if (now) socket.resume();
        else socket.pause();
      }
    },
    answerWith: (next) => {
      answer = next;
    },
  };

  function converse(first: Socket, connection: number): void {
    let socket = first;
    let waiting = Buffer.alloc(0);
    let from: string | null = null;
    let to: string[] = [];
    let refused = '';
    let inData = false;
    let isLoggedIn = options.login === undefined;
    let mail = 0;
    let isMute = false;
    let held = '';
    const attach = () => {
      // A client that goes away is no fault here.
      socket.on('error', () => undefined);
      socket.on('data', (bytes: Buffer) => {
        waiting = Buffer.concat([waiting, bytes]);
        read();
      });
      if (!reads) socket.pause();
    };
    attach();
    say('greeting', '', '220 wire.example ESMTP');

    function read(): void {
      obeyAll();
      if (held !== '' && !socket.destroyed) socket.write(held);
      held = '';
    }

    function obeyAll(): void {
      while (!isMute && !socket.destroyed && !socket.writableEnded) {
        if (inData) {
          const end = waiting.indexOf('.\r\n') === 0 ? 0 : waiting.indexOf('\r\n.\r\n') + 2;
          if (end === 1) return;
          const isLast = relay.mails.length + 1 === options.waitsForMore;
          if (options.waitsForMore !== undefined && !isLast && waiting.length === end + 3) return;
          takeMessage(waiting.subarray(0, end));
          waiting = waiting.subarray(end + 3);
          if (waiting.length > 0) count.ahead += 1;
          continue;
        }
        const end = waiting.indexOf('\r\n');
        if (end < 0) return;
        const line = waiting.toString('utf8', 0, end);
        waiting = waiting.subarray(end + 2);
        relay.lines.push(`${connection} ${line}`);
        if (waiting.length > 0) count.early += 1;
        obey(line);
      }
    }

    function takeMessage(bytes: Buffer): void {
      relay.lines.push(`${connection} .`);
      inData = false;
      const recipient = to[0];
      const sender = from ?? '';
      [from, to] = [null, []];
      if (recipient === undefined) return void say('lone dot', refused, '554 5.5.1 no recipients');
      if (!say('message', recipient, '250 2.0.0 taken')) return;
      const data = Buffer.from(bytes.toString('latin1').replace(/(^|\n)\.\./g, '$1.'), 'latin1');
      relay.mails.push({ from: sender, to: recipient, data, connection });
    }

    function obey(line: string): void {
      const verb = line.slice(0, 4).toUpperCase();
      const address = /<([^>]*)>/.exec(line)?.[1] ?? '';
      if (verb === 'EHLO') {
        const starttls = options.tls?.from === 'starttls' && !(socket instanceof TLSSocket) ? ['STARTTLS'] : [];
        const auth = options.login === undefined || starttls.length > 0 ? [] : ['AUTH PLAIN'];
        const keywords = ['wire.example', ...(options.offers ?? usualOffers), ...starttls, ...auth];
        const last = keywords.length - 1;
        say('ehlo', line, keywords.map((word, at) => `250${at === last ? ' ' : '-'}${word}`).join('\r\n'));
      } else if (verb === 'STAR' && options.tls !== undefined) {
        socket.write('220 2.0.0 go on\r\n');
        socket.removeAllListeners('data');
        socket = new TLSSocket(socket, { isServer: true, key: options.tls.key, cert: options.tls.cert });
        attach();
      } else if (verb === 'AUTH') {
        const given = Buffer.from(line.slice(11), 'base64').toString('utf8');
        isLoggedIn = given === `\0${options.login?.user}\0${options.login?.password}`;
        say('auth', line, isLoggedIn ? '235 2.7.0 welcome' : '535 5.7.8 not known');
      } else if (!isLoggedIn && verb !== 'QUIT') reply('530 5.7.0 log in first');
      else if (verb === 'MAIL') {
        mail += 1;
        if (from !== null) reply('503 5.5.1 nested MAIL command');
        else if (say('mail', line, '250 2.1.0 sender fine')) [from, to] = [address, []];
      } else if (verb === 'RCPT') {
        refused = address;
        if (from === null) reply('503 5.5.1 need MAIL command');
        else if (say('rcpt', address, '250 2.1.5 recipient fine')) to.push(address);
      } else if (verb === 'DATA') {
        const [recipient] = to;
        if (from === null) reply('503 5.5.1 need MAIL command');
        else if (recipient === undefined && options.grantsData !== true) reply('554 5.5.1 no valid recipients');
        else inData = say('data', recipient ?? refused, '354 go on');
      } else if (verb === 'RSET') {
        [from, to] = [null, []];
        say('rset', line, '250 2.0.0 fine');
      } else if (verb === 'QUIT') {
        if (say('quit', line, '221 2.0.0 bye')) socket.end();
      } else reply('502 5.5.1 not understood');
    }

    /** Answers as told, else as usual; whether it is the usual answer. */
    function say(stage: Stage, subject: string, usual: string): boolean {
      const told = answer({ stage, subject, connection, mail });
      if (told === undefined) {
        reply(usual);
        return true;
      }
      if (told === 'close') socket.destroy();
      else if (told === 'silence') isMute = true;
      else if (typeof told === 'string') reply(told);
      else if (Array.isArray(told)) for (const one of told) reply(one);
      else {
        relay.replies.push(`${connection} ${told.raw}`);
        if (told.next === 'close') socket.end(told.raw);
        else socket.write(told.raw);
        isMute ||= told.next === 'silence';
      }
      return false;
    }

    function reply(text: string): void {
      relay.replies.push(`${connection} ${text}`);
      if (/^421/.test(text)) socket.end(`${text}\r\n`);
      else if (options.holdsReplies === true && mail > 0) held += `${text}\r\n`;
      else if (options.bytewise !== true) socket.write(`${text}\r\n`);
      else for (const byte of Buffer.from(`${text}\r\n`)) socket.write(Buffer.of(byte));
    }
  }
}
