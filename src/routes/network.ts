import { isIPv6 } from 'node:net';
import type { FastifyRequest } from 'fastify';
import type { Config } from '../config.js';

/*
 * PURE. Where a request comes from, as far as it can be told.
 */

/** An IPv4 address, or the /64 of an IPv6 one: whoever has one of its addresses has them all. */
export function networkOf(ip: string): string {
  if (!isIPv6(ip) || ip.includes('.')) return ip;
  const [head = '', tail] = (ip.split('%')[0] ?? '').split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - left.length - right.length }, () => '0');
  const groups = [...left, ...zeros, ...right].map((group) => Number.parseInt(group, 16).toString(16));
  return `${groups.slice(0, 4).join(':')}::/64`;
}

/** Enough of an address to see where trouble comes from, too little to name somebody: /24 or /48. */
export function areaOf(ip: string): string {
  const [, three] = /^(?:::ffff:)?(\d+\.\d+\.\d+)\.\d+$/i.exec(ip) ?? [];
  return three === undefined ? `${networkOf(ip).split(':').slice(0, 3).join(':')}::/48` : `${three}.0/24`;
}

/** From where somebody signs in, and in which language. */
export function visitOf({ ip, headers }: FastifyRequest, locale: string) {
  return { ip: networkOf(ip), area: areaOf(ip), agent: headers['user-agent'], locale };
}

/** Whether a host, with or without a port, is this machine itself. */
export function isLoopback(host: string): boolean {
  return /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?$/i.test(host);
}

const proxyHeaders = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip'];

/**
 * Whether it is somebody at this very machine, with a service that is meant for it alone. Each part is
 * needed: a proxy on the same machine connects from loopback for everybody, and a page of another site
 * reaches loopback through a browser here, under a name that it points to it.
 */
export function isAtThisMachine(
  { socket, headers }: FastifyRequest,
  { publicUrl }: Pick<Config, 'publicUrl'>,
): boolean {
  return (
    /^(?:(?:::ffff:)?127\.\d+\.\d+\.\d+|::1)$/i.test(socket.remoteAddress ?? '') &&
    isLoopback(headers.host ?? '') &&
    isLoopback(new URL(publicUrl).host) &&
    proxyHeaders.every((name) => headers[name] === undefined)
  );
}
