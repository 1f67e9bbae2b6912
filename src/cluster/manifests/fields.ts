/** Renders schemas as Markdown for the reference pages. */
import type { ObjectSchema, Rule, Schema } from '../../ground/contract/schema.ts';
import { markdownTable } from './file.ts';

type Field = { readonly path: string; readonly schema: Schema; readonly required: boolean };

/** Table with one row per field, in the order of the schema. */
export const fieldTable = (root: ObjectSchema): string =>
  markdownTable(
    ['Field', 'Type', 'Default', 'Limits', 'Description'],
    fieldsOf(root, '').map(({ path, schema, required }) => [
      `\`${path}\`${required ? ' *' : ''}`,
      typeOf(schema),
      schema.default === undefined ? '' : `\`${JSON.stringify(schema.default)}\``,
      limitsOf(schema),
      plain(schema.description),
    ]),
  );

/** List of the validation rules of a schema, as the messages that the apiserver returns. */
export const ruleList = (root: ObjectSchema): string => {
  const own = rulesAt('the object', root);
  const inner = fieldsOf(root, '').flatMap(({ path, schema }) => rulesAt(`\`${path}\``, schema));
  return [...own, ...inner].join('\n');
};

/** Escapes `<`, which Markdown would read as HTML. */
const plain = (text: string): string => text.replaceAll('<', '&lt;');

const rulesAt = (where: string, { validations }: { readonly validations?: readonly Rule[] }): string[] =>
  (validations ?? []).map(({ message }) => `- ${where}: ${plain(message)}.`);

const fieldsOf = (schema: Schema, prefix: string): readonly Field[] => {
  if ('properties' in schema)
    return Object.entries(schema.properties).flatMap(([name, property]) => {
      const path = prefix === '' ? name : `${prefix}.${name}`;
      const required = (schema.required?.includes(name) ?? false) && property.default === undefined;
      return [{ path, schema: property, required }, ...fieldsOf(property, path)];
    });
  if ('items' in schema) return fieldsOf(schema.items, `${prefix}[]`);
  return 'additionalProperties' in schema ? fieldsOf(schema.additionalProperties, `${prefix}.<name>`) : [];
};

const typeOf = (schema: Schema): string => {
  if ('items' in schema) return `list of ${typeOf(schema.items)}`;
  if ('additionalProperties' in schema) return `map of ${typeOf(schema.additionalProperties)}`;
  if (schema.type === 'string' && schema.enum) return schema.enum.map((value) => `\`${value}\``).join(', ');
  return schema.type === 'quantity' ? 'quantity: number or string' : schema.type;
};

const limitsOf = (schema: Schema): string => {
  if (schema.type === 'integer') return rangeOf(schema.minimum, schema.maximum);
  if (schema.type === 'array') return `${rangeOf(schema.minItems, schema.maxItems)} entries`;
  if ('additionalProperties' in schema) return `at most ${schema.maxProperties} entries`;
  if (schema.type === 'quantity') return '';
  if (schema.type !== 'string' || schema.enum) return '';
  return schema.maxLength === undefined ? '' : `at most ${schema.maxLength} characters`;
};

const rangeOf = (least: number | undefined, most: number | undefined): string => {
  if (least === undefined) return most === undefined ? '' : `at most ${most}`;
  return most === undefined ? `at least ${least}` : `${least} to ${most}`;
};
