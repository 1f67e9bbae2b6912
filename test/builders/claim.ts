/** Folders that the worker's own store wrote in a claim: an export, its report, and engines. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makePvcStore } from '../../src/adapters/storage/pvc.ts';
import { storeOnce } from '../../src/adapters/worker/store-once.ts';
import type { Manifest } from '../../src/ground/contract/manifest.ts';
import { anEngineBuilt, anExported } from './objects.ts';

const { signal } = new AbortController();

type Stored = { readonly folder: string; readonly input?: string };

/** Stores files in a claim like a pod, with the result that `report` makes of their digests. */
const store = <R extends Manifest['result']>(
  root: string,
  {
    folder,
    input = 'a',
    contents,
    report,
  }: Stored & {
    readonly contents: Readonly<Record<string, string>>;
    readonly report: (
      files: Readonly<Record<string, { file: string; sha256: string; sizeBytes: number }>>,
    ) => R;
  },
): Promise<R> =>
  storeOnce<R>(makePvcStore(root), {
    identity: { kind: report({}).kind, folder: `pvc://models/${folder}`, inputs: { input }, signal },
    files: Object.keys(contents),
    make: async (staging, nameOf) => {
      const files: Record<string, { file: string; sha256: string; sizeBytes: number }> = {};
      for (const [name, content] of Object.entries(contents)) {
        const file = nameOf(name);
        files[name] = { file, ...(await staging.make(file, async (path) => writeFileSync(path, content))) };
      }
      const listed = Object.values(files).map(({ file, ...facts }) => [file, facts] as const);
      return { key: 'k', files: Object.fromEntries(listed), result: report(files), notes: [] };
    },
  });

/** Stores an engine with this content. @param root folder in which the claim `models` is a folder */
export const storeEngine = (root: string, content: string, { folder, input = 'a' }: Stored) =>
  store(root, {
    folder,
    input,
    contents: { 'model.engine': content },
    report: ({ 'model.engine': engine }) => ({
      ...anEngineBuilt(),
      ...(engine && { engine }),
      reused: false,
    }),
  });

/**
 * Stores an export with its report, and engines of the classes ampere and turing with the contents `for ampere` and `for turing`.
 * @param root folder in which the claim `models` is a folder
 * @param folder of the export, in the claim
 */
export const storeExport = async (root: string, folder: string): Promise<void> => {
  mkdirSync(join(root, 'models'), { recursive: true });
  const { kind, etlt: facts } = anExported();
  await store(root, {
    folder,
    contents: { 'model.etlt': 'sealed', 'report.json': '{}', 'report.html': '<p>' },
    report: ({ 'model.etlt': etlt }) => ({
      kind,
      etlt: { ...facts, ...etlt },
      report: { file: 'report.json', pageFile: 'report.html' },
      reused: false,
    }),
  });
  await storeEngine(root, 'for ampere', { folder: `${folder}/engines/ampere/e1` });
  await storeEngine(root, 'for turing', { folder: `${folder}/engines/turing/e2` });
};
