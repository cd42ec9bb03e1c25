import { z } from 'zod';

/*
 * PURE. The OpenAPI document as a page shows it: operations by what they are about, each with what it takes, what it
 * answers, and a command to try it with; then the forms that several of them share.
 */

export interface ApiView {
  groups: { name: string; operations: OperationView[] }[];
  forms: { name: string; fields: FieldView[] }[];
}

export interface OperationView {
  id: string;
  method: string;
  path: string;
  summary: string;
  /** Anybody may call it; the others need a token. */
  isPublic: boolean;
  parameters: FieldView[];
  body: { type: string; shape: Shape } | null;
  answers: { status: string; shape: Shape | null }[];
  curl: string;
}

/** What a value is: a short name of its type, the shared form it has, its fields. */
export interface Shape {
  type: string;
  form: string | null;
  fields: FieldView[];
}

export interface FieldView {
  /** Such as `counts.sent`, `deliveries[].state`. */
  name: string;
  type: string;
  form: string | null;
  isRequired: boolean;
  description: string;
  /** Of a parameter: `query`, `path` or `header`. */
  where: string | null;
}

interface Node {
  $ref?: string | undefined;
  type?: string | string[] | undefined;
  format?: string | undefined;
  description?: string | undefined;
  properties?: Record<string, Node> | undefined;
  required?: string[] | undefined;
  items?: Node | undefined;
  anyOf?: Node[] | undefined;
  oneOf?: Node[] | undefined;
  enum?: unknown[] | undefined;
  const?: unknown;
}
const node: z.ZodType<Node> = z.lazy(() =>
  z.object({
    $ref: z.string().optional(),
    type: z.union([z.string(), z.array(z.string())]).optional(),
    format: z.string().optional(),
    description: z.string().optional(),
    properties: z.record(z.string(), node).optional(),
    required: z.array(z.string()).optional(),
    items: node.optional(),
    anyOf: z.array(node).optional(),
    oneOf: z.array(node).optional(),
    enum: z.array(z.unknown()).optional(),
    const: z.unknown().optional(),
  }),
);
const content = z.record(z.string(), z.object({ schema: node.optional() }));
const operation = z.object({
  operationId: z.string(),
  summary: z.string().default(''),
  tags: z.array(z.string()).default([]),
  security: z.array(z.unknown()).optional(),
  parameters: z
    .array(
      z.object({
        name: z.string(),
        in: z.string(),
        required: z.boolean().default(false),
        description: z.string().default(''),
        schema: node.default({}),
      }),
    )
    .default([]),
  requestBody: z.object({ content }).optional(),
  responses: z.record(z.string(), z.object({ content: content.optional() })).default({}),
});
const openApi = z.object({
  paths: z.record(z.string(), z.record(z.string(), operation)),
  components: z.object({ schemas: z.record(z.string(), node).default({}) }),
});

const deepest = 3;

/**
 * @param document of /openapi.json
 * @param base of every address, for the commands
 */
export function apiView(document: unknown, base: string): ApiView {
  const { paths, components } = openApi.parse(document);
  const groups = new Map<string, OperationView[]>();
  for (const [path, operations] of Object.entries(paths)) {
    for (const [method, found] of Object.entries(operations)) {
      const [tag = ''] = found.tags;
      const group = groups.get(tag) ?? [];
      groups.set(tag, group);
      group.push(operationView(path, method, found, base));
    }
  }
  return {
    groups: [...groups].map(([name, operations]) => ({ name, operations })),
    forms: Object.entries(components.schemas)
      .filter(([name]) => !name.includes('-'))
      .map(([name, form]) => ({ name, fields: fieldsOf(form) })),
  };
}

function operationView(path: string, method: string, found: z.infer<typeof operation>, base: string): OperationView {
  const [type, { schema: body = {} } = {}] = Object.entries(found.requestBody?.content ?? {})[0] ?? [null];
  const isPublic = found.security?.length === 0;
  return {
    id: found.operationId,
    method: method.toUpperCase(),
    path,
    summary: found.summary,
    isPublic,
    parameters: found.parameters.map((parameter) => ({
      name: parameter.name,
      type: typeOf(parameter.schema),
      form: formOf(parameter.schema),
      isRequired: parameter.required,
      description: parameter.description || (parameter.schema.description ?? ''),
      where: parameter.in,
    })),
    body: type === null ? null : { type, shape: shapeOf(body) },
    answers: Object.entries(found.responses).map(([status, { content: of = {} }]) => {
      const [answer] = Object.values(of);
      return { status, shape: answer?.schema === undefined ? null : shapeOf(answer.schema) };
    }),
    curl: commandOf(base + path, method, type, isPublic),
  };
}

function commandOf(address: string, method: string, type: string | null, isPublic: boolean): string {
  // Braces are ranges to curl: what is to be put in stands in capitals.
  const plain = address.replace(/\{(\w+)\}/g, (_, name: string) => name.toUpperCase());
  return [
    'curl',
    ...(method === 'get' ? [] : [`-X ${method.toUpperCase()}`]),
    ...(isPublic ? [] : ["-H 'Authorization: Bearer TOKEN'"]),
    ...(type === null ? [] : [`-H 'Content-Type: ${type}'`, '--data-binary @FILE']),
    `'${plain}'`,
  ].join(' ');
}

function shapeOf(of: Node): Shape {
  const inner = whole(of);
  return { type: typeOf(of), form: formOf(of), fields: formOf(of) === null ? fieldsOf(inner) : [] };
}

/** Of "this or nothing" this. */
function whole(of: Node): Node {
  const some = (of.anyOf ?? of.oneOf ?? []).filter(({ type }) => type !== 'null');
  return some.length === 1 && some[0] !== undefined ? some[0] : of;
}

function fieldsOf(of: Node, before = '', depth = 0): FieldView[] {
  const { properties = {}, required = [] } = of;
  return Object.entries(properties).flatMap(([name, field]) => {
    const inner = whole(field);
    const isList = inner.type === 'array' && inner.items !== undefined;
    const at = `${before}${name}`;
    const below = whole(isList ? (inner.items ?? {}) : inner);
    return [
      {
        name: at,
        type: typeOf(field),
        form: formOf(field),
        isRequired: required.includes(name),
        description: field.description ?? '',
        where: null,
      },
      ...(depth < deepest ? fieldsOf(below, isList ? `${at}[].` : `${at}.`, depth + 1) : []),
    ];
  });
}

/** The shared form that a value, or each of a list, has. */
function formOf(of: Node): string | null {
  const inner = whole(of);
  const ref = inner.$ref ?? whole(inner.items ?? {}).$ref;
  return ref === undefined ? null : (ref.split('/').at(-1) ?? null);
}

function typeOf(of: Node): string {
  if (of.$ref !== undefined) return of.$ref.split('/').at(-1) ?? '';
  if (of.const !== undefined) return JSON.stringify(of.const);
  if (of.enum !== undefined) return of.enum.map((value) => JSON.stringify(value)).join(' | ');
  const several = of.anyOf ?? of.oneOf;
  if (several !== undefined) return [...new Set(several.map(typeOf))].join(' | ');
  if (of.type === 'array') return `${typeOf(of.items ?? {})}[]`;
  if (Array.isArray(of.type)) return of.type.join(' | ');
  return of.format === undefined ? (of.type ?? '') : `${of.type} (${of.format})`;
}
