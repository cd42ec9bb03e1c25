import type { Db } from '../database/query.js';
import { countOpen, selectTasks } from './queries.js';
import type { Task } from './task.js';

/**
 * A page of tasks, newest first.
 * @param search `open`: only those that are (true) or are done (false); `after`: the `next` of the page before
 */
export async function browseTasks(
  db: Db,
  search: { open?: boolean | undefined; after?: number | undefined; limit: number },
): Promise<{ tasks: Task[]; next: number | null }> {
  const found = await selectTasks(db, {
    open: search.open ?? null,
    after: search.after ?? null,
    limit: search.limit + 1,
  });
  const tasks = found.slice(0, search.limit);
  const last = tasks.at(-1);
  return { tasks, next: found.length > search.limit && last !== undefined ? last.id : null };
}

/** How many tasks wait for somebody. */
export async function countOpenTasks(db: Db): Promise<number> {
  return countOpen(db);
}
