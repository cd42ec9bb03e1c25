import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** A program of the benchmark: what it wrote, what it cost, and how to end it. */
export interface Program {
  pid: number;
  output(): string;
  /** Seconds of CPU so far, user and system. */
  cpu(): number;
  /** Largest resident size so far, in MB. */
  peak(): number;
  /** Waits for its end. */
  ended(): Promise<number | null>;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

export function start(command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): Program {
  const child: ChildProcess = spawn(command, [...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      // A long run writes a lot; its end is what tells.
      output = (output + text).slice(-20_000);
    });
  }
  const pid = child.pid ?? 0;
  const over = () => child.exitCode !== null || child.signalCode !== null;
  const ended = async () => {
    if (!over()) await once(child, 'close');
    return child.exitCode;
  };
  return {
    pid,
    output: () => output,
    cpu: () => cpuOf(pid),
    peak: () => peakOf(pid),
    ended,
    async stop(signal = 'SIGTERM') {
      if (!over()) child.kill(signal);
      await ended();
    },
  };
}

// Of the kernel's clock: 100 a second on every Linux.
const ticks = 100;

function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticks;
}

/** Seconds of CPU of a process and of all that it has started, ended ones included. */
export function cpuOfFamily(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  const own = [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at]), 0) / ticks;
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(/\s+/);
  return children.reduce((sum, child) => {
    try {
      return child === '' ? sum : sum + cpuOf(Number(child));
    } catch {
      // It has ended since, and is among the ended ones next time.
      return sum;
    }
  }, own);
}

function peakOf(pid: number): number {
  const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes ?? 0) / 1024;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
  return address.port;
}

/** Waits until something listens on a port of this machine. */
export async function listening(port: number): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    const socket = connect(port, '127.0.0.1');
    const open = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    socket.destroy();
    if (open) return;
    await pause(50);
  }
  throw new Error(`nothing listens on port ${port}`);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low = 0, high = 0] = [sorted[middle - 1], sorted[middle]];
  return sorted.length % 2 === 1 ? high : (low + high) / 2;
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
