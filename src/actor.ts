/** Who does a thing; each audit entry names one. */
export type Actor =
  | { kind: 'admin'; id: number; role: Role }
  | { kind: 'token'; id: number | 'environment'; role: Role }
  | { kind: 'subscriber'; id: number }
  | { kind: 'visitor' }
  | { kind: 'system' };

/** Rights grow from left to right: a publisher may do all that an editor may. */
export const roles = ['viewer', 'editor', 'publisher', 'admin'] as const;
export type Role = (typeof roles)[number];

export function hasRole(actor: Actor, needed: Role): boolean {
  if (actor.kind !== 'admin' && actor.kind !== 'token') return false;
  return roles.indexOf(actor.role) >= roles.indexOf(needed);
}

export const systemActor: Actor = { kind: 'system' };
export const visitorActor: Actor = { kind: 'visitor' };
