import type { LightMyRequestResponse } from 'fastify';
import { type DefaultTreeAdapterTypes, parse } from 'parse5';
import type { TestApp } from '../support/app.js';
import type { Visitor } from './support.js';

type Node = DefaultTreeAdapterTypes.Node;
type Element = DefaultTreeAdapterTypes.Element;

/** A form as a browser without script would send it: every field of it, repeated ones too. */
export interface Form {
  /** What it holds; a checkbox that is not ticked holds nothing. */
  values(name: string): string[];
  /** Puts these in place of what the fields of that name hold. */
  set(name: string, ...values: string[]): Form;
  send(headers?: Record<string, string>): Promise<LightMyRequestResponse>;
}

/** The form of a page that leads to `action`. */
export function formOf(app: TestApp, visitor: Visitor, page: LightMyRequestResponse, action: string): Form {
  const form = elements(parse(page.body)).find(
    (element) => element.tagName === 'form' && attribute(element, 'action') === action,
  );
  if (form === undefined) throw new Error(`the page has no form to ${action}: ${page.statusCode} ${page.body}`);
  let fields = elements(form).flatMap(fieldOf);
  const made: Form = {
    values: (name) => fields.flatMap(([own, value]) => (own === name ? [value] : [])),
    set(name, ...values) {
      fields = [...fields.filter(([own]) => own !== name), ...values.map((value): [string, string] => [name, value])];
      return made;
    },
    async send(headers = {}) {
      const answer = await app.inject({
        method: 'POST',
        url: action,
        headers: { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin', ...headers },
        cookies: Object.fromEntries(visitor.cookies),
        payload: new URLSearchParams(fields).toString(),
      });
      for (const { name, value } of answer.cookies) visitor.cookies.set(name, value);
      return answer;
    },
  };
  return made;
}

function fieldOf(element: Element): [string, string][] {
  const name = attribute(element, 'name');
  if (name === undefined || attribute(element, 'disabled') !== undefined) return [];
  if (element.tagName === 'textarea') return [[name, textOf(element)]];
  if (element.tagName === 'select') {
    const options = elements(element).filter(({ tagName }) => tagName === 'option');
    const chosen = options.find((option) => attribute(option, 'selected') !== undefined) ?? options[0];
    return chosen === undefined ? [] : [[name, attribute(chosen, 'value') ?? textOf(chosen)]];
  }
  if (element.tagName !== 'input') return [];
  const ticked = attribute(element, 'checked') !== undefined;
  if (['checkbox', 'radio'].includes(attribute(element, 'type') ?? '') && !ticked) return [];
  return [[name, attribute(element, 'value') ?? '']];
}

function elements(node: Node): Element[] {
  const inside = 'childNodes' in node ? node.childNodes.flatMap(elements) : [];
  return 'tagName' in node ? [node, ...inside] : inside;
}

function attribute({ attrs }: Element, name: string): string | undefined {
  return attrs.find((one) => one.name === name)?.value;
}

function textOf(node: Node): string {
  if ('value' in node) return node.value;
  return 'childNodes' in node ? node.childNodes.map(textOf).join('') : '';
}
