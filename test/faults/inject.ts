/**
 * Runs commands and kills them, interrupts them, or runs them on a disk that is too small, at random points. Then checks
 * the files: outputs are complete or absent, all files of a run exist or none, and there is no other file and no plaintext.
 */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import process from 'node:process';
import { setTimeout } from 'node:timers/promises';
import { decryptModel } from '../../src/formats/crypto/encrypted-model.ts';
import { parseModel } from '../../src/formats/onnx/model.ts';
import { failures } from '../../src/ground/base/failures.ts';
import type { Random } from '../../src/ground/base/rng.ts';
import type { FaultCase, Inputs } from './cases.ts';

export type Fault = 'SIGKILL' | 'SIGINT' | 'full output disk' | 'full temporary disk';

export type Finding = { readonly case: string; readonly fault: Fault; readonly found: string };

/** Duration and outputs of a run without a fault. */
type Reference = {
  readonly milliseconds: number;
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly bytes: number;
};

type RunFolders = { readonly out: string; readonly temporary: string; readonly root: string };
type Ended = { readonly code: number | null; readonly milliseconds: number };

const source = join(import.meta.dirname, '..', '..', 'src');

const makeFolders = ({ worker }: FaultCase, { prepare }: Inputs): RunFolders => {
  const root = mkdtempSync(join(tmpdir(), 'tlt-fault-'));
  const out = join(root, worker?.mount ?? 'out');
  const temporary = join(root, 'tmp');
  for (const folder of [out, temporary]) mkdirSync(folder, { recursive: true });
  if (worker) prepare(root);
  return { out, temporary, root };
};

type Disturbance = { readonly signal: NodeJS.Signals; readonly afterMs: number } | undefined;

const run = (each: FaultCase, folders: RunFolders, disturbance?: Disturbance): Promise<Ended> =>
  new Promise((resolve) => {
    const started = performance.now();
    const child = spawn(process.execPath, [join(source, `${each.program}.ts`), ...each.args(folders)], {
      env: { ...process.env, TMPDIR: folders.temporary, TLT_WORKER_ROOT: folders.root },
      stdio: 'ignore',
    });
    const done = new AbortController();
    if (disturbance)
      void setTimeout(disturbance.afterMs, undefined, { signal: done.signal }).then(
        () => child.kill(disturbance.signal),
        () => undefined,
      );
    child.on('close', (code) => {
      done.abort();
      resolve({ code, milliseconds: performance.now() - started });
    });
  });

const filesBelow = (folder: string): readonly string[] =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map(({ parentPath, name }) => join(parentPath, name))
    : [];

const contentOf = (folder: string): ReadonlyMap<string, Uint8Array> =>
  new Map(filesBelow(folder).map((path) => [path.slice(folder.length + 1), readFileSync(path)]));

const referenceOf = async (each: FaultCase, inputs: Inputs): Promise<Reference> => {
  const folders = makeFolders(each, inputs);
  const { code, milliseconds } = await run(each, folders);
  if (code !== 0) throw new Error(`${each.name} ends with ${code} without a fault`);
  const files = contentOf(folders.out);
  rmSync(folders.root, { recursive: true });
  return { milliseconds, files, bytes: [...files.values()].reduce((sum, { length }) => sum + length, 0) };
};

/** What is wrong with a file; undefined if it is complete like the reference. */
type Output = { readonly bytes: Uint8Array; readonly expected: Uint8Array; readonly key: string };

const describeDamage = async (
  name: string,
  { bytes, expected, key }: Output,
): Promise<string | undefined> => {
  const text = () => Buffer.from(bytes).toString();
  if (/\.e?tlt$/.test(name)) return decryptModel(bytes, key).then(() => undefined, String);
  if (name.endsWith('.json')) return attempt(() => JSON.parse(text()));
  if (name.endsWith('.html'))
    return text().trimEnd().endsWith('</html>') ? undefined : 'the page is truncated';
  if (name.endsWith('.onnx')) return attempt(() => parseModel(bytes));
  return Buffer.compare(bytes, expected) === 0 ? undefined : `${bytes.length} of ${expected.length} bytes`;
};

const attempt = (read: () => unknown): string | undefined => {
  try {
    read();
    return undefined;
  } catch (thrown) {
    return String(thrown);
  }
};

type Left = { readonly folders: RunFolders; readonly reference: Reference; readonly inputs: Inputs };

const findProblems = async (each: FaultCase, left: Left): Promise<string[]> => [
  ...(await brokenOutputs(left)),
  ...findIncomplete(each, left),
  ...filesBelow(left.folders.temporary).map((path) => `${basename(path)} is left in the temporary folder`),
  ...findExposed(each, left),
];

const brokenOutputs = async ({ folders, reference, inputs }: Left): Promise<string[]> => {
  const found: string[] = [];
  for (const [name, bytes] of contentOf(folders.out)) {
    const expected = reference.files.get(name);
    const broken = expected && (await describeDamage(name, { bytes, expected, key: inputs.key }));
    if (!expected) found.push(`${name} (${bytes.length} bytes) is left over`);
    if (broken) found.push(`${name} is broken: ${broken}`);
  }
  return found;
};

const findIncomplete = ({ worker }: FaultCase, { folders, reference }: Left): string[] => {
  const outputs = contentOf(folders.out);
  const missing = [...reference.files.keys()].filter((name) => !outputs.has(name));
  if (missing.length === 0 || outputs.size === 0) return [];
  if (!worker) return [`only ${[...outputs.keys()]} of the run appeared`];
  return outputs.has(worker.last) ? [`${worker.last} appeared before ${missing}`] : [];
};

/** Plaintext in other files than the plaintext outputs, or in files that other users can read. */
const findExposed = ({ plaintext, published = [] }: FaultCase, { folders, inputs }: Left): string[] =>
  [...filesBelow(folders.out), ...filesBelow(folders.temporary)].flatMap((path) => {
    if (published.includes(basename(path))) return [];
    if (!plaintext.includes(basename(path)))
      return readFileSync(path).includes(inputs.marker)
        ? [`${basename(path)} contains the plaintext model`]
        : [];
    return (statSync(path).mode & 0o077) === 0 ? [] : [`others can read ${basename(path)}`];
  });

/** Allowed exit codes on a full disk: success, or the failures that report it. */
const codesOfFullDisk: readonly (number | null)[] = [0, failures.DiskFull.exitCode];

const withMount = async <T>(folder: string, kib: number, use: () => Promise<T>): Promise<T> => {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kib}k`, 'tmpfs', folder]);
  try {
    return await use();
  } finally {
    execFileSync('umount', [folder]);
  }
};

type FaultRun = { readonly fault: Fault; readonly random: Random; readonly left: Omit<Left, 'folders'> };

/** Milliseconds. The process that names the files of a run ends within this time after a kill. */
const namingMs = 200;

/** Runs a command with one fault, and returns the findings. */
const runWithFault = async (each: FaultCase, { fault, random, left }: FaultRun): Promise<string[]> => {
  const { inputs, reference } = left;
  const folders = makeFolders(each, inputs);
  const look = () => findProblems(each, { ...left, folders });
  try {
    if (fault === 'SIGKILL' || fault === 'SIGINT') {
      // The first third of a run only loads the program.
      const afterMs = reference.milliseconds * (0.3 + 0.8 * random());
      await run(each, folders, { signal: fault, afterMs });
      await setTimeout(namingMs);
      return await look();
    }
    const folder = fault === 'full output disk' ? folders.out : folders.temporary;
    const kib = 4 + Math.floor((random() * 1.1 * reference.bytes) / 1024);
    return await withMount(folder, kib, async () => {
      const { code } = await run(each, folders);
      const found = await look();
      return codesOfFullDisk.includes(code) ? found : [...found, `it ended with ${code}`];
    });
  } finally {
    rmSync(folders.root, { recursive: true, force: true });
  }
};

export type InjectionOptions = {
  readonly repetitions: number;
  readonly random: Random;
  /** No repetition starts after this time. */
  readonly until: number;
  /** Called after each repetition. */
  readonly onDone?: (done: number, findings: number) => void;
};

export type InjectionResult = { readonly repetitions: number; readonly findings: readonly Finding[] };

/** Mounting needs root. Without it, no disk is full. */
const faultsHere: readonly Fault[] =
  process.getuid?.() === 0
    ? ['SIGKILL', 'full output disk', 'SIGKILL', 'SIGINT', 'SIGKILL', 'full temporary disk']
    : ['SIGKILL', 'SIGINT'];

export const injectFaults = async (
  inputs: Inputs,
  { repetitions, random, until, onDone }: InjectionOptions,
): Promise<InjectionResult> => {
  const references = new Map<FaultCase, Reference>();
  const findings: Finding[] = [];
  let done = 0;
  for (; done < repetitions && performance.now() < until; done++) {
    const each = inputs.cases[done % inputs.cases.length]!;
    const reference = references.get(each) ?? (await referenceOf(each, inputs));
    references.set(each, reference);
    // Shifts the faults, so that each command gets another fault in each round.
    const fault = faultsHere[(done + Math.floor(done / inputs.cases.length)) % faultsHere.length]!;
    const found = await runWithFault(each, { fault, random, left: { inputs, reference } });
    findings.push(...found.map((text) => ({ case: each.name, fault, found: text })));
    onDone?.(done + 1, findings.length);
  }
  return { repetitions: done, findings };
};
