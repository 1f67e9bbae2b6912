/** Golden digests: of the files that the tools write, and of the values of pure functions, for the golden inputs. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { goldenFiles, type RunTool } from './files.ts';
import type { Functions } from './functions.ts';
import { writeInputs } from './inputs.ts';
import { goldenValues } from './values.ts';

/** Golden name → SHA-256 of bytes, or the key itself. */
export type Digests = Readonly<Record<string, string>>;

/** Digests of everything, made in a folder of its own. `runIn` runs the tools in that folder. */
export const goldenDigests = async (
  functions: Functions,
  runIn: (folder: string) => RunTool,
): Promise<Digests> => {
  const folder = mkdtempSync(join(tmpdir(), 'tlt-golden-'));
  try {
    await writeInputs(folder);
    const files = await goldenFiles(folder, runIn(folder));
    const made = { ...files, ...goldenValues(functions, files) };
    return Object.fromEntries(Object.entries(made).map(([name, value]) => [name, digest(value)]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

const digest = (value: Uint8Array | string): string =>
  typeof value === 'string' ? value : createHash('sha256').update(value).digest('hex');
