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

/** Whether two actors are one admin, whatever role they had when. */
export function isSamePerson(a: Actor, b: Actor): boolean {
  return a.kind === 'admin' && b.kind === 'admin' && a.id === b.id;
}

export const systemActor: Actor = { kind: 'system' };
export const visitorActor: Actor = { kind: 'visitor' };

/** Which door somebody came by and from where, such as `console 203.0.113.7`; for the audit log alone. */
const origins = new WeakMap<Actor, string>();

/** The same actor with where they are: it goes with the object, and into no row but the audit log's. */
export function actorFrom<Known extends Actor>(actor: Known, origin: string): Known {
  const here = { ...actor };
  origins.set(here, origin);
  return here;
}

/** Null: the service itself, or nobody said. */
export function originOf(actor: Actor): string | null {
  return origins.get(actor) ?? null;
}

/** Who types at the shell of the machine. */
export const operatorActor: Actor = actorFrom({ kind: 'system' }, 'command line');
