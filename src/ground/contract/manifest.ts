/** `manifest.json`, written last into an artifact folder, and only once: all files that it lists are complete and never change. */
import { findFault } from './check-schema.ts';

import { parseResult, type Result, type StoredFile } from './result.ts';
import { digest, fileName, sizeBytes } from './result-schema.ts';
import { integer, list, map, object, text } from './schema.ts';

export type Manifest = {
  readonly formatVersion: 1;
  /** Content key in the name of the folder. */
  readonly key: string;
  /** Digests of the inputs, computed by the worker. If they match, the work is already done. */
  readonly inputs: Readonly<Record<string, string>>;
  /** File name → digest and size, for all files of the folder. */
  readonly files: Readonly<Record<string, { readonly sha256: string; readonly sizeBytes: number }>>;
  /** The result that the pod reported. */
  readonly result: Exclude<Result, { kind: 'Failed' | 'Counted' }>;
  /** How to use the files. */
  readonly notes: readonly string[];
};

const file = object('A file.', { sha256: digest, sizeBytes }, { required: ['sha256', 'sizeBytes'] });

/** Schema of everything except `result`, which has its own. */
const schema = object(
  'A manifest.',
  {
    formatVersion: integer('Version of the format.', { minimum: 1, maximum: 1 }),
    key: text('The content key.', { maxLength: 64 }),
    inputs: map('Digests.', text('A digest or key.', { maxLength: 64 }), { maxProperties: 16 }),
    files: map('Files.', file, { maxProperties: 64 }),
    notes: list('Notes.', text('A note.', { maxLength: 4096 }), { maxItems: 64 }),
  },
  { required: ['formatVersion', 'key', 'inputs', 'files', 'notes'] },
);

/** Parses a manifest; undefined if it is invalid, or if its result refers to files that it does not list. */
export const parseManifest = (content: string): Manifest | undefined => {
  const { result: reported, ...rest } = parseObject(content) as Partial<Manifest>;
  if (findFault(schema, rest) !== undefined) return undefined;
  const { files } = rest as Manifest;
  const result = parseResult(JSON.stringify(reported));
  if (result.kind === 'Unusable' || result.kind === 'Failed' || result.kind === 'Counted') return undefined;
  const named = Object.keys(files).every((name) => findFault(fileName, name) === undefined);
  return named && filesOf(result).every(isListedIn(files)) ? ({ ...rest, result } as Manifest) : undefined;
};

const parseObject = (content: string): object => {
  try {
    return Object(JSON.parse(content));
  } catch {
    return {}; // damaged: the work is repeated
  }
};

type Listed = Pick<StoredFile, 'file'> & Partial<StoredFile>;

const filesOf = (result: Manifest['result']): readonly Listed[] => {
  if (result.kind === 'EngineBuilt') {
    const beside = Object.values(result.deployment ?? {}).map((name) => ({ file: name }));
    return [result.engine, ...beside];
  }
  if (result.kind === 'TensorfileWritten') return [result.tensorfile];
  const { etlt, codecEtlt, calibrationCache, distributions, verification, deployment, report } = result;
  const pages = report ? [report.file, ...(report.pageFile ? [report.pageFile] : [])] : [];
  return [
    ...[etlt, codecEtlt, calibrationCache, distributions, verification, deployment].filter(
      (artifact) => artifact !== undefined,
    ),
    ...pages.map((name) => ({ file: name })),
  ];
};

const isListedIn =
  (files: Manifest['files']) =>
  ({ file: name, sha256, sizeBytes: size }: Listed): boolean => {
    const listed = Object.hasOwn(files, name) ? files[name] : undefined;
    if (listed === undefined) return false;
    return sha256 === undefined || (listed.sha256 === sha256 && listed.sizeBytes === size);
  };
