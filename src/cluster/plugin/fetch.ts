/** `fetch` and `report`: copies stored artifacts from their claims, or from object storage, to this machine. */
import { mkdir, mkdtemp, rmdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { printable } from '../../ground/base/printable.ts';
import { isFolder } from '../../ground/base/readable.ts';
import type { PluginValues } from '../../ground/contract/plugin-programs.ts';
import { findTrue } from '../api/conditions.ts';
import type { ModelExport } from '../api/model-export.ts';
import { makeS3Reading } from '../jobs/s3.ts';
import { type ArtifactRequest, chooseArtifacts, type WantedFile } from './artifacts.ts';
import { connectTo, type Given, type PluginContext, type Run } from './context.ts';
import type { ReadTarget } from './lists.ts';
import { readModelExport } from './read.ts';
import { readReaderFacts } from './reader-facts.ts';
import { chooseImage, chooseNode } from './reader-image.ts';
import { claimsOf, makeReaderPod, type ReaderPod } from './reader-pod.ts';
import { isSaved, requireOneFile, saveFiles, type TargetFile } from './save.ts';
import { type ReadingContext, withStoredReader } from './stored-reader.ts';

type Found = {
  readonly reading: ReadingContext;
  readonly target: ReadTarget;
  readonly modelExport: ModelExport;
  readonly files: readonly WantedFile[];
};

type Flags = PluginValues<'fetch' | 'report'>;

const findFiles = async (
  { operands: [name = ''], values }: Given<Flags>,
  request: ArtifactRequest,
  context: PluginContext,
): Promise<Found> => {
  const { reader, target, exec } = await connectTo(name, values, context);
  const modelExport = await readModelExport(reader, target);
  const notify = (text: string) => context.printError(`${text}\n`);
  const files = chooseArtifacts(modelExport, request);
  if (!findTrue(modelExport.status?.conditions, 'Ready'))
    notify(
      `${target.namespace}/${target.name} is not Ready: these files are those of its last finished work.`,
    );
  const { s3 } = modelExport.spec;
  const reading = { ...reader, exec, clock: context.clock, notify, s3: s3 && makeS3Reading(s3).settings };
  return { reading, target, modelExport, files };
};

const planPod = async (
  { reading: reader, target, modelExport, files }: Found,
  image: string | undefined,
  now: number,
): Promise<ReaderPod> => {
  const uris = files.map(({ uri }) => uri);
  const names = claimsOf(uris);
  const facts = await readReaderFacts(reader, target, names);
  const node = chooseNode(facts.claims, facts.pods);
  return makeReaderPod(modelExport, { uris, ...chooseImage({ flag: image, ...facts }), node, now });
};

/** Saves the files that do not exist yet, through a pod if there are any. */
const save = async (
  found: Found,
  files: readonly TargetFile[],
  image: string | undefined,
  { clock, progress }: PluginContext,
): Promise<void> => {
  const missing: TargetFile[] = [];
  for (const file of files) if (!(await isSaved(file))) missing.push(file);
  if (missing.length === 0) return;
  const pod = await planPod({ ...found, files: missing }, image, clock.now());
  await withStoredReader(pod, found.reading, (read) => saveFiles(missing, read, progress));
};

/** Runs `use` with a folder that exists; if it fails, a folder that was made for it is removed. */
const withFolder = async (path: string, use: () => Promise<void>): Promise<void> => {
  const made = await mkdir(path, { recursive: true });
  try {
    await use();
  } catch (thrown) {
    if (made !== undefined) await rmdir(path).catch(() => undefined); // Not empty: another process uses it.
    throw thrown;
  }
};

/** Prints the pod, and to standard error what it would read. */
const showPlan = async (
  found: Found,
  files: readonly TargetFile[],
  image: string | undefined,
  { print, printError, clock }: PluginContext,
): Promise<void> => {
  print(stringify(await planPod(found, image, clock.now()), { lineWidth: 0 }));
  for (const { uri, path } of files) printError(`# ${printable(uri)} → ${printable(path)}\n`);
};

/** Runs `fetch`. */
export const fetchArtifacts: Run<PluginValues<'fetch'>> = async (given, context) => {
  const { values } = given;
  const { what, class: deviceClass, image } = values;
  const found = await findFiles(given, { what, deviceClass }, context);
  const output = values['output-path'] ?? `${found.target.name}/`;
  const inFolder = output.endsWith('/') || (await isFolder(output));
  if (!inFolder) requireOneFile(found.files, output);
  const files = found.files.map((file) => ({ ...file, path: inFolder ? join(output, file.file) : output }));
  if (values['dry-run']) return showPlan(found, files, image, context);
  const run = () => save(found, files, image, context);
  await (inFolder ? withFolder(output, run) : run());
  for (const { path } of files) context.print(`${printable(path)}\n`);
};

/** Runs `report`: opens the page in the browser of the user, or saves it. */
export const showReport: Run<PluginValues<'report'>> = async (given, context) => {
  const { image, 'output-path': output } = given.values;
  const found = await findFiles(given, { what: 'report' }, context);
  const path =
    output ?? join(await mkdtemp(join(context.temporary, 'modelexport-')), `${found.target.name}.html`);
  const files = found.files.map((file) => ({ ...file, path }));
  if (given.values['dry-run']) return showPlan(found, files, image, context);
  await save(found, files, image, context);
  context.print(`${printable(resolve(path))}\n`);
  if (output !== undefined) return;
  const opened = await context.openPage(resolve(path));
  if (!opened) context.printError('No browser could be started; open the file above.\n');
};
