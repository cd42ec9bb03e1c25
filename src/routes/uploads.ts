import multipart from '@fastify/multipart';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Refusal } from '../errors.js';

/** A file that was chosen in a form, with the media type that the browser gives it; nobody chose one when it has neither name nor content. */
export const uploadedFile = z.object({ name: z.string(), type: z.string(), bytes: z.instanceof(Buffer) });
export type UploadedFile = z.infer<typeof uploadedFile>;

type Field = string | UploadedFile | Field[];

/**
 * Lets the routes of a scope take forms with a file (`multipart/form-data`, RFC 7578) beside plain ones.
 * The body is the same record of fields either way, with an `UploadedFile` where a file stands, so the guard
 * of the console finds the form's token as in any form, and refuses before the route sees anything. Who sends it
 * (session or token, and role) is looked at before the body is read. Refuses `input.invalid` when the form breaks
 * off or is none.
 *
 * @param limits.fileSize of the file, and of a text that was typed in its place
 * @param limits.onTooLarge answers what is larger
 */
export async function takeUploads(
  app: FastifyInstance,
  limits: {
    fileSize: number;
    onTooLarge: (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;
  },
): Promise<void> {
  const { fileSize, onTooLarge } = limits;
  app.setErrorHandler(async (error, request, reply) => {
    if (!(error instanceof app.multipartErrors.RequestFileTooLargeError)) throw error;
    return onTooLarge(request, reply);
  });
  await app.register(multipart, {
    limits: { fileSize, fieldSize: fileSize, files: 1, fields: 10, parts: 11, fieldNameSize: 200, headerPairs: 50 },
  });
  app.addHook('preValidation', async (request) => {
    if (!request.isMultipart()) return;
    request.body = Object.fromEntries(await fieldsOf(request).catch(refuseBroken));
  });

  async function fieldsOf(request: FastifyRequest): Promise<Map<string, Field>> {
    const fields = new Map<string, Field>();
    const add = (name: string, value: string | UploadedFile) => {
      const before = fields.get(name);
      fields.set(name, before === undefined ? value : [before, value].flat());
    };
    for await (const part of request.parts()) {
      if (part.type === 'file') {
        const { fieldname, filename: name = '', mimetype: type } = part;
        add(fieldname, { name, type, bytes: await part.toBuffer() });
      } else if (part.valueTruncated) throw new app.multipartErrors.RequestFileTooLargeError();
      else add(part.fieldname, String(part.value));
    }
    return fields;
  }
}

/** What the parser finds wrong comes without a status, and is the sender's fault. */
function refuseBroken(error: unknown): never {
  if (error instanceof Error && 'statusCode' in error) throw error;
  throw new Refusal('input.invalid', 'The form breaks off, or is none (multipart/form-data, RFC 7578).');
}

/** Null: no file was chosen. */
export function chosenFile(field: unknown): UploadedFile | null {
  const file = uploadedFile.safeParse(field);
  return file.success && (file.data.name !== '' || file.data.bytes.length > 0) ? file.data : null;
}
