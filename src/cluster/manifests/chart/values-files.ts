/** values.yaml, values.schema.json and the reference page, from one schema. */
import { stringify } from 'yaml';
import type { ObjectSchema, Schema } from '../../../ground/contract/schema.ts';
import { openApi } from '../../api/open-api.ts';
import { fieldTable } from '../fields.ts';
import { generated, markdownFile, type PublishedFile } from '../file.ts';
import { chartValues } from './values.ts';

/** @param folder of the chart, relative to the root of the repository */
export const valuesFiles = (folder: string): readonly PublishedFile[] => [
  { path: `${folder}/values.yaml`, content: `# ${generated}\n${valuesText(chartValues, 0)}` },
  { path: `${folder}/values.schema.json`, content: `${JSON.stringify(jsonSchema(), undefined, 2)}\n` },
  markdownFile('docs/reference/helm-values.md', 'Values of the Helm chart', [
    'Values of `helm/tlt-export-operator`. Unknown values are rejected. See [Install](../install.md).',
    fieldTable(chartValues),
  ]),
];

const valuesText = (schema: ObjectSchema, depth: number): string =>
  Object.entries(schema.properties)
    .map(([name, property]) => entryText(name, property, depth))
    .join(depth === 0 ? '\n' : '');

const entryText = (name: string, schema: Schema, depth: number): string => {
  const indent = '  '.repeat(depth);
  const comment = wrapped(schema.description, 108 - indent.length)
    .map((line) => `${indent}# ${line}\n`)
    .join('');
  if ('properties' in schema) return `${comment}${indent}${name}:\n${valuesText(schema, depth + 1)}`;
  const standard = defaultOf(schema);
  return standard === undefined ? '' : `${comment}${indent}${stringify({ [name]: standard }).trimEnd()}\n`;
};

/** A list or map is empty unless its schema says otherwise. A scalar without a default is not in values.yaml. */
const defaultOf = (schema: Schema): unknown => {
  if ('items' in schema) return [];
  return 'additionalProperties' in schema ? {} : schema.default;
};

const wrapped = (words: string, width: number): readonly string[] => {
  const lines: string[] = [];
  for (const word of words.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
};

/** Helm adds `global` to the values of a chart that is part of another one. */
const fromParent = {
  type: 'object',
  description: 'Values of a parent chart. This chart has no use for them.',
};

const jsonSchema = () => {
  const { properties, ...root } = closed(openApi(chartValues)) as { readonly properties: object };
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    ...root,
    properties: { ...properties, global: fromParent },
  };
};

/** JSON Schema of the same shape, which rejects unknown names, without the words of Kubernetes. */
const closed = (node: unknown): unknown => {
  if (Array.isArray(node)) return node.map(closed);
  if (typeof node !== 'object' || node === null) return node;
  const entries = Object.entries(node).flatMap(([name, value]) =>
    name.startsWith('x-kubernetes-') || name === 'format' ? [] : [[name, closed(value)] as const],
  );
  const isRecord = entries.some(([name, value]) => name === 'properties' && typeof value === 'object');
  return { ...Object.fromEntries(entries), ...(isRecord && { additionalProperties: false }) };
};
