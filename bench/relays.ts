import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { freePort, listening, type Program, start } from './program.js';

/** A relay that takes all mail and keeps none. */
export interface Sink {
  port: number;
  cpu(): number;
  stop(): Promise<void>;
}

/** Postfix's `smtp-sink`, the fastest there is. */
export async function startSink(options: { pipelining: boolean }): Promise<Sink> {
  const port = await freePort();
  const isRoot = process.getuid?.() === 0;
  const flags = [...(isRoot ? ['-u', 'nobody'] : []), ...(options.pipelining ? [] : ['-p'])];
  const program: Program = start('smtp-sink', [...flags, `127.0.0.1:${port}`, '1000']);
  await listening(port).catch(async (error: unknown) => {
    await program.stop('SIGKILL');
    throw new Error(`smtp-sink does not start (Debian package postfix): ${program.output()}`, { cause: error });
  });
  return { port, cpu: program.cpu, stop: () => program.stop('SIGKILL') };
}

/**
 * A relay with a distance: every reply comes `delayMs` after what it answers. Offers PIPELINING.
 * @param onMail told of the bytes of each mail
 */
export async function startDistantRelay(
  delayMs: number,
  onMail: (bytes: number) => void = () => undefined,
): Promise<{ port: number; stop(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    // Each reply goes when it is due: real relays put those of a pipeline into one packet.
    socket.setNoDelay(true);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    const say = (line: string) => setTimeout(() => socket.writable && socket.write(`${line}\r\n`), delayMs);
    let rest = '';
    let inBody = false;
    say('220 distant.example ESMTP');
    socket.setEncoding('latin1').on('data', (text: string) => {
      rest += text;
      for (;;) {
        const end = rest.indexOf(inBody ? '\r\n.\r\n' : '\r\n');
        if (end < 0) return;
        const line = rest.slice(0, end);
        rest = rest.slice(end + (inBody ? 5 : 2));
        if (inBody) {
          inBody = false;
          onMail(line.length + 2);
          say('250 2.0.0 taken');
        } else if (/^EHLO/i.test(line)) say('250-distant.example\r\n250-PIPELINING\r\n250 8BITMIME');
        else if (/^DATA/i.test(line)) {
          inBody = true;
          say('354 go on');
        } else if (/^QUIT/i.test(line)) {
          say('221 bye');
        } else say('250 2.0.0 ok');
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
  return {
    port: address.port,
    async stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
