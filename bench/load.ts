import { connect, type Socket } from 'node:net';
import { percentile } from './program.js';

/*
 * A load generator for HTTP/1.1 over loopback: so many connections, each with one request in hand. It reads no more
 * of an answer than its status and length, so that it costs a fraction of what it measures.
 */

export interface Load {
  perSecond: number;
  p50: number;
  p99: number;
  /** Bytes of one answer, head included. */
  bytes: number;
}

export interface Ask {
  port: number;
  path: string;
  headers: Readonly<Record<string, string>>;
  status: number;
  connections: number;
  seconds: number;
}

/** Throws when an answer has another status than it should. */
export async function load(ask: Ask): Promise<Load> {
  const lines = Object.entries({ host: `127.0.0.1:${ask.port}`, ...ask.headers }).map(
    ([name, value]) => `${name}: ${value}`,
  );
  const request = Buffer.from(`GET ${ask.path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
  const times: number[] = [];
  let bytes = 0;
  const begun = performance.now();
  const end = begun + ask.seconds * 1_000;
  await Promise.all(
    Array.from({ length: ask.connections }, () =>
      converse(connect({ port: ask.port, host: '127.0.0.1', noDelay: true }), request, {
        status: ask.status,
        isOver: () => performance.now() >= end,
        onAnswer: (ms, length) => {
          times.push(ms);
          bytes = length;
        },
      }),
    ),
  );
  const took = (performance.now() - begun) / 1_000;
  return { perSecond: times.length / took, p50: percentile(times, 0.5), p99: percentile(times, 0.99), bytes };
}

interface Talk {
  status: number;
  isOver(): boolean;
  onAnswer(ms: number, bytes: number): void;
}

function converse(socket: Socket, request: Buffer, { status, isOver, onAnswer }: Talk): Promise<void> {
  return new Promise((resolve, reject) => {
    let sentAt = 0;
    let head = Buffer.alloc(0);
    /** Of the answer in hand: its whole length, once its head is read, and how much of it is there. */
    let [length, got] = [0, 0];
    const ask = () => {
      sentAt = performance.now();
      [length, got, head] = [0, 0, Buffer.alloc(0)];
      socket.write(request);
    };
    socket.on('error', reject);
    socket.on('connect', ask);
    socket.on('close', () => resolve());
    socket.on('data', (chunk) => {
      got += chunk.length;
      if (length === 0) {
        head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
        const endOfHead = head.indexOf('\r\n\r\n');
        if (endOfHead < 0) return;
        const text = head.toString('latin1', 0, endOfHead + 2);
        if (Number(text.slice(9, 12)) !== status) {
          reject(new Error(`answered with ${text}`));
          socket.destroy();
          return;
        }
        const body = /\r\ncontent-length: (\d+)\r\n/i.exec(text)?.[1];
        length = endOfHead + 4 + (status === 304 ? 0 : Number(body ?? 0));
      }
      if (got < length) return;
      onAnswer(performance.now() - sentAt, length);
      if (isOver()) socket.end();
      else ask();
    });
  });
}
