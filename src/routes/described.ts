/**
 * How a public read that is no JSON is told of in /openapi.json; its type stands in the summary, since what is sent
 * are bytes, and no schema makes them.
 */
export function described(operationId: string, summary: string) {
  return { schema: { operationId, summary, tags: ['public'], security: [] } };
}
