/** Lua as Argo CD runs it, and kstatus as Flux and Helm compute it, for many objects in one process. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { luaScripts } from '../../src/cluster/manifests/argocd.ts';
import { gitopsRunner } from '../cluster/go-tools.ts';
import { run } from '../cluster/run.ts';

const root = join(import.meta.dirname, '..', '..');

export type Health = {
  readonly status: 'Healthy' | 'Progressing' | 'Degraded' | 'Suspended';
  readonly message: string;
};

type Answer = { readonly result?: unknown; readonly error?: string };

const ask = async <T>(requests: readonly object[]): Promise<readonly T[]> => {
  const input = requests.map((request) => `${JSON.stringify(request)}\n`).join('');
  const lines = (await run(await gitopsRunner(), [], { input })).trim().split('\n');
  return lines.map((line) => {
    const { result, error } = JSON.parse(line) as Answer;
    if (error !== undefined) throw new Error(error);
    return result as T;
  });
};

/** A table that each script returns for its object. */
export const runLua = <T>(
  script: (typeof luaScripts)[number],
  objects: readonly object[],
): Promise<readonly T[]> => {
  const text = readFileSync(join(root, `deploy/argocd/lua/${script}.lua`), 'utf8');
  return ask<T>(objects.map((object) => ({ script: text, object })));
};

export const healthOf = (
  script: 'export-health' | 'class-health',
  objects: readonly object[],
): Promise<readonly Health[]> => runLua<Health>(script, objects);

/** What cli-utils' kstatus computes for each object. */
export const realKstatusOf = (objects: readonly object[]): Promise<readonly string[]> =>
  ask<string>(objects.map((object) => ({ object })));
