import type { Actor } from '../../actor.js';
import { adminAddress } from '../../admins/recipients.js';
import type { Db } from '../../database/query.js';
import type { Texts } from '../../texts.js';
import { nameOf } from './records.js';

/** Whoever did something, as colleagues call them: an admin by their address. */
export async function whoIs(db: Db, actor: Actor, texts: Texts): Promise<string> {
  const address = await adminAddress(db, { actor });
  return address?.email ?? nameOf(actor, texts);
}

/** The same for many, each looked up once. */
export function whoAre(db: Db, texts: Texts): (actor: Actor) => Promise<string> {
  const known = new Map<string, Promise<string>>();
  return (actor) => {
    const key = `${actor.kind} ${'id' in actor ? actor.id : ''}`;
    const found = known.get(key) ?? whoIs(db, actor, texts);
    known.set(key, found);
    return found;
  };
}
