/** `tlt-model triton-repository`: one model of a Triton model repository, from engines of one network for several GPUs. */
import { chmod, copyFile, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { writeLabels } from '../../export/deployment/labels.ts';
import { writeTritonConfig } from '../../export/deployment/triton.ts';
import { canonicalJson, fileDigest } from '../../ground/base/digest.ts';
import { UserError } from '../../ground/base/errors.ts';
import { readRegular } from '../../ground/base/readable.ts';
import { outputFailure, refuseToOverwrite, requireWritableFolder } from '../../ground/base/whole-file.ts';
import { type DeploymentFile, parseDeploymentFile } from '../../ground/contract/deployment.ts';
import { readInput } from '../cli/input-file.ts';
import { type Arguments, type ModelToolContext, subcommandUsage } from './model-context.ts';

/** A description, and the path of its engine. */
type DescribedEngine = DeploymentFile & { readonly path: string };

/** Runs `tlt-model triton-repository`. @throws UserError with the reason that determines the exit code */
export const makeTritonRepository = async (
  { files, values }: Arguments<'triton-repository'>,
  { print }: ModelToolContext,
): Promise<void> => {
  const folder = values.output_folder.replace(/\/+$/, '');
  await refuseToOverwrite(folder);
  await requireWritableFolder(folder);
  const engines = await Promise.all(files.map(readDescription));
  requireOneNetwork(engines);
  const [{ network }] = engines as [DescribedEngine];
  const named = engines.map(({ engine }) => ({ ...engine, file: nameInRepository(engine) }));
  const labels = writeLabels(network.labels);
  const config = writeTritonConfig({
    network,
    engines: named,
    labels: labels && labelsName,
  });
  if (config.text === undefined)
    throw new UserError('EngineUnsupported', `Making a Triton repository: ${config.refused}.`);
  const version = '1';
  await makeWholeFolder(folder, async (place) => {
    await mkdir(join(place, version));
    for (const [i, { path, engine }] of engines.entries()) {
      const copy = join(place, version, named[i]!.file);
      await readInput(path, () => copyFile(path, copy));
      await chmod(copy, readable); // an engine of the tools is private, and Triton runs as another user
      await requireDigest(copy, path, engine.sha256);
    }
    if (labels !== undefined) await writeFile(join(place, labelsName), labels);
    await writeFile(join(place, 'config.pbtxt'), config.text);
  });
  print(`${folder}: ${named.map(({ file }) => `${version}/${file}`).join(', ')}\n`);
};

const labelsName = 'labels.txt';
/** Mode of files that every user can read. */
const readable = 0o644;

/** `7.5.engine`; the extension is that of the engine. */
const nameInRepository = ({ file, computeCapability }: DeploymentFile['engine']): string =>
  computeCapability === undefined ? file : `${computeCapability}${/\.[^.]+$/.exec(file)?.[0] ?? ''}`;

const readDescription = async (path: string): Promise<DescribedEngine> => {
  const text = await readInput(path, async () => new TextDecoder().decode(readRegular(path, 'textBytes')));
  const found = parseDeploymentFile(text);
  if (found) return { ...found, path: join(dirname(path), found.engine.file) };
  throw subcommandUsage(
    'triton-repository',
    `${path} does not describe an engine; name the file ${basename(path).replace(/\..*$/, '')}.deployment.json next to it`,
  );
};

/** @throws UserError Usage */
const requireOneNetwork = (engines: readonly DescribedEngine[]): void => {
  const fail = (found: string) => {
    throw subcommandUsage('triton-repository', found);
  };
  const networks = new Set(engines.map(({ network }) => canonicalJson(network)));
  if (networks.size > 1) fail('the engines are of different networks; name engines of one export');
  if (new Set(engines.map(({ engine }) => engine.backend)).size > 1)
    fail('the engines are of different backends; name engines of one');
  const capabilities = engines.map(({ engine }) => engine.computeCapability ?? 'none');
  const twice = capabilities.find((each, i) => capabilities.indexOf(each) < i);
  if (twice !== undefined)
    fail(`two engines have the compute capability ${twice}; Triton has one engine for each`);
};

const requireDigest = async (copy: string, path: string, expected: string): Promise<void> => {
  const found = await fileDigest(copy);
  if (found === expected) return;
  throw new UserError(
    'DigestMismatch',
    `Copying ${path}: its sha256 is ${found}, and its description says ${expected}. Restore the engine, or build it again.`,
  );
};

/** The folder appears when it is complete; nothing is left of one that fails. */
const makeWholeFolder = async (folder: string, fill: (place: string) => Promise<void>): Promise<void> => {
  try {
    const place = await mkdtemp(join(dirname(folder), `.${basename(folder)}.`));
    try {
      await chmod(place, 0o755);
      await fill(place);
      await rename(place, folder);
    } catch (thrown) {
      await rm(place, { recursive: true, force: true });
      throw thrown;
    }
  } catch (thrown) {
    throw outputFailure(thrown, folder);
  }
};
