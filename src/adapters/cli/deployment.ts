/** Writes the deployment files of an engine of a tool, next to it. */
import { stat } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import type { EngineFileResult } from '../../export/engines/build-engine-file.ts';
import type { EngineOptions } from '../../graph/builders/build-request.ts';
import { fileDigest } from '../../ground/base/digest.ts';
import { readProjectVersion } from '../../ground/base/project-version.ts';
import { type Outputs, refuseToOverwrite } from '../../ground/base/whole-file.ts';
import {
  type DeploymentRole,
  deploymentFiles,
  type Material,
  type NetworkFacts,
  nameBeside,
} from '../../ground/contract/deployment.ts';
import type { Program } from '../../ground/contract/program.ts';
import { usageError } from './command-line.ts';

/** An engine of a tool, and what its files refer to. Paths are those of the command line. */
export type ToolDeployment = {
  /** Name of the tool. */
  readonly tool: string;
  readonly network: NetworkFacts;
  readonly options: Pick<EngineOptions, 'backend' | 'dataType' | 'settings'>;
  readonly built: EngineFileResult;
  readonly engineFile: string;
  readonly materials: readonly Material[];
  /** The .etlt of the user's codec. */
  readonly encodedModel?: string | undefined;
  readonly calibrationCache?: string | undefined;
  /** The key, if it is to be written in clear. */
  readonly key?: string | undefined;
};

/** Flags about deployment files. */
export type DeploymentUse = {
  readonly deployment: boolean;
  readonly key_in_config: boolean;
  readonly codec_command?: string | undefined;
  /** Whether an engine is built. */
  readonly hasEngine: boolean;
};

/** Checks that the flags have a use. @throws UserError Usage naming the flag that has none */
export const requireDeploymentUse = (
  program: Pick<Program, 'name'>,
  { deployment, key_in_config, codec_command, hasEngine }: DeploymentUse,
): void => {
  if (deployment && !hasEngine)
    throw usageError(program, '--deployment describes an engine, and none is built. Add --engine_file');
  if (key_in_config && !(deployment && codec_command !== undefined))
    throw usageError(
      program,
      '--key_in_config has no use without --deployment and --codec_command: DeepStream opens only the cipher of a codec. Omit it',
    );
};

/** Checks before a long build that no deployment file exists. @throws UserError OutputExists */
export const refuseExistingDeployment = async (engineFile: string): Promise<void> => {
  for (const role of Object.keys(deploymentFiles) as DeploymentRole[])
    await refuseToOverwrite(placeBeside(engineFile, nameBeside(basename(engineFile), role)));
};

/** Adds the files to the outputs, and returns notes about those that the engine has no use for. */
export const addDeploymentFiles = async (
  deployment: ToolDeployment,
  outputs: Outputs,
): Promise<readonly string[]> => {
  const { writeDeploymentFiles } = await import('../../export/deployment/deployment-files.ts');
  const { describeEngine } = await import('../../export/deployment/engine-facts.ts');
  const { tool, network, options, built, engineFile, materials, key } = deployment;
  const path = outputs.placeOf(engineFile);
  const engine = {
    file: basename(engineFile),
    sha256: await fileDigest(path),
    sizeBytes: (await stat(path)).size,
  };
  const facts = describeEngine({ network, options, ...built, engine, materials });
  const { files, notes } = writeDeploymentFiles(facts, {
    encodedModel: pathFrom(engineFile, deployment.encodedModel),
    calibrationCache: pathFrom(engineFile, deployment.calibrationCache),
    key,
    builder: { id: `https://export.tlt.dev/${tool}`, version: readProjectVersion() },
  });
  for (const { name, text } of files)
    await outputs.write(placeBeside(engineFile, name), text, {
      overwrite: false,
      isPrivate: key !== undefined && text.includes(key),
    });
  return notes;
};

const placeBeside = (engineFile: string, name: string): string => join(dirname(engineFile), name);

const pathFrom = (engineFile: string, path: string | undefined): string | undefined =>
  path === undefined ? undefined : relative(dirname(engineFile), path);
