import { isIPv6 } from 'node:net';
import type { FastifyRequest } from 'fastify';

/**
 * How often one network may ask us to write to somebody, by form and API together: it protects the
 * service; whoever is written to is protected by subscribers/limits.ts, whatever network asks.
 */
export const formLimit = {
  max: 60,
  timeWindow: 10 * 60 * 1000,
  groupId: 'subscriptions',
  keyGenerator: (request: FastifyRequest) => networkOf(request.ip),
};

/** PURE. An IPv4 address, or the /64 of an IPv6 one: whoever has one of its addresses has them all. */
export function networkOf(ip: string): string {
  if (!isIPv6(ip) || ip.includes('.')) return ip;
  const [head = '', tail] = (ip.split('%')[0] ?? '').split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - left.length - right.length }, () => '0');
  const groups = [...left, ...zeros, ...right].map((group) => Number.parseInt(group, 16).toString(16));
  return `${groups.slice(0, 4).join(':')}::/64`;
}
