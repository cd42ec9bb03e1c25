import type { FastifyPluginAsync } from 'fastify';
import { z } from 'zod';
import { hasRole } from '../../actor.js';
import type { AppDeps } from '../../app.js';
import { Refusal } from '../../errors.js';
import { addContact, type ContactOutcome } from '../../subscribers/contact.js';
import { deleteGroup, listGroups, saveGroup } from '../../subscribers/groups.js';
import { type FieldFault, knownServicesOf } from '../pages/subscription-form.js';
import { type Console, consoleOf } from './console.js';

const text = z.string().trim().default('');
const contactForm = z.object({ email: text, company: text, locale: text, entitlement: text, group: text });
type ContactForm = z.infer<typeof contactForm>;
const contactQuery = z.object({ done: z.enum(['added', 'updated']).optional().catch(undefined) });

/** `edited`: the id of the group that the form was opened for; empty: it is for a new one. */
const groupForm = z.object({ id: text, name: text, noticeDays: text, edited: text });
type GroupForm = z.infer<typeof groupForm>;
const groupParams = z.object({ id: z.string() });
const groupQuery = z.object({
  edit: z.string().optional().catch(undefined),
  done: z.enum(['saved', 'removed']).optional().catch(undefined),
});

/** Contractual contacts one by one, and the groups with their notice periods. */
export function contactsRoutes(deps: AppDeps): FastifyPluginAsync {
  return async (app) => {
    app.get('/admin/subscribers/contact', { config: { permission: 'admin' } }, async (request, reply) => {
      const console = consoleOf(deps, request, reply);
      const { done } = contactQuery.parse(request.query);
      const values = contactForm.parse({ locale: console.texts.locale });
      return showContact(console, {
        values,
        done: done === undefined ? null : console.texts.t(`contacts.contact.${done}`),
      });
    });

    app.post(
      '/admin/subscribers/contact',
      { config: { permission: 'admin', keepsText: true } },
      async (request, reply) => {
        const console = consoleOf(deps, request, reply);
        const values = contactForm.parse(request.body);
        const outcome = await enter(console, values);
        if (typeof outcome === 'string') {
          if (outcome === 'added' || outcome === 'updated') {
            return console.redirect(`/admin/subscribers/contact?done=${outcome}`);
          }
          const errors = [{ field: 'email', message: console.texts.t(`contacts.contact.${outcome}`) }];
          return showContact(console, { values, errors });
        }
        return showContact(console, { values, errors: outcome });
      },
    );

    app.get('/admin/subscribers/groups', { config: { permission: 'viewer' } }, async (request, reply) => {
      const console = consoleOf(deps, request, reply);
      const { edit, done } = groupQuery.parse(request.query);
      return showGroups(console, {
        ...(edit === undefined ? {} : { edit }),
        done: done === undefined ? null : console.texts.t(`contacts.groups.${done}`),
      });
    });

    app.post(
      '/admin/subscribers/groups',
      { config: { permission: 'admin', keepsText: true } },
      async (request, reply) => {
        const console = consoleOf(deps, request, reply);
        const values = groupForm.parse(request.body);
        // An empty field is no zero.
        const noticeDays = /^\d{1,3}$/.test(values.noticeDays) ? Number(values.noticeDays) : -1;
        try {
          const { id, name, edited } = values;
          await saveGroup(deps, { id, name, noticeDays }, console.actor, { isNew: edited !== id });
          return console.redirect('/admin/subscribers/groups?done=saved');
        } catch (error) {
          return showGroups(console, { values, errors: faultsOf(error, console) });
        }
      },
    );

    app.post('/admin/subscribers/groups/:id/removal', { config: { permission: 'admin' } }, async (request, reply) => {
      const console = consoleOf(deps, request, reply);
      try {
        await deleteGroup(deps, groupParams.parse(request.params).id, console.actor);
        return console.redirect('/admin/subscribers/groups?done=removed');
      } catch (error) {
        if (!(error instanceof Refusal) || error.code !== 'group.in-use') throw error;
        return showGroups(console, { errors: [{ field: '', message: console.texts.t('contacts.faults.inUse') }] });
      }
    });
  };

  async function enter(console: Console, values: ContactForm): Promise<ContactOutcome | FieldFault[]> {
    try {
      return await addContact(deps, values, console.actor, { knownServices: await knownServicesOf(deps) });
    } catch (error) {
      return faultsOf(error, console);
    }
  }

  async function showContact(
    console: Console,
    view: { values: ContactForm; errors?: FieldFault[]; done?: string | null },
  ) {
    const { errors = [], done = null, values } = view;
    return console.page(
      'contact',
      'subscribers',
      { values, groups: await listGroups(deps.db), errors, done },
      { status: errors.length > 0 ? 422 : 200 },
    );
  }

  async function showGroups(
    console: Console,
    view: { edit?: string; values?: GroupForm; errors?: FieldFault[]; done?: string | null },
  ) {
    const groups = await listGroups(deps.db);
    const { errors = [], done = null } = view;
    const edited = groups.find(({ id }) => id === (view.values?.edited ?? view.edit));
    const values =
      view.values ??
      (edited === undefined
        ? groupForm.parse({})
        : { id: edited.id, name: edited.name, noticeDays: String(edited.noticeDays), edited: edited.id });
    return console.page(
      'groups',
      'groups',
      {
        groups,
        restDays: deps.config.noticePeriodDays,
        edited: edited === undefined ? null : edited.name,
        values,
        mayManage: hasRole(console.actor, 'admin'),
        errors,
        done,
      },
      { status: errors.length > 0 ? 422 : 200 },
    );
  }
}

/** In the words of the page; whatever is no fault of a field is thrown again. */
function faultsOf(error: unknown, { texts }: Console): FieldFault[] {
  const isOfFields = error instanceof Refusal && (error.code === 'input.invalid' || error.code === 'address.invalid');
  if (!isOfFields || error.errors.length === 0) throw error;
  return error.errors.map(({ path }) => ({ field: path, message: texts.t(`contacts.faults.${path}`) }));
}
