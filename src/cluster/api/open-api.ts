/** Converts schemas to the structural OpenAPI v3 schemas of CRDs. */
import type { Schema } from '../../ground/contract/schema.ts';

/**
 * OpenAPI form of a schema. The apiserver fills in defaults before it checks required fields, so a field with a default
 * is not listed as required, although its TypeScript type is always present.
 */
export const openApi = (schema: Schema): Record<string, unknown> => {
  const { validations, ...rest } = schema;
  const rules = validations ? { 'x-kubernetes-validations': validations } : {};
  if ('properties' in rest) {
    const { required, properties, ...own } = rest;
    const entries = Object.entries(properties);
    const mustBeGiven = required?.filter((name) => properties[name]?.default === undefined) ?? [];
    return {
      ...own,
      ...(mustBeGiven.length > 0 && { required: mustBeGiven }),
      ...rules,
      properties: Object.fromEntries(entries.map(([name, property]) => [name, openApi(property)])),
    };
  }
  if ('items' in rest) return { ...rest, ...rules, items: openApi(rest.items) };
  if ('additionalProperties' in rest)
    return { ...rest, ...rules, additionalProperties: openApi(rest.additionalProperties) };
  if (rest.type !== 'quantity') return { ...rest, ...rules };
  const { type: _, ...own } = rest;
  const either = { anyOf: [{ type: 'integer' }, { type: 'string' }], 'x-kubernetes-int-or-string': true };
  return { ...own, ...either, ...rules };
};
