/** The files beside an engine of a pod, for DeepStream and Triton, and its provenance. */
import { readFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { type DeploymentTexts, writeDeploymentFiles } from '../../export/deployment/deployment-files.ts';
import { describeEngine } from '../../export/deployment/engine-facts.ts';
import { UserError } from '../../ground/base/errors.ts';
import { readProjectVersion } from '../../ground/base/project-version.ts';
import { parsePvcUri } from '../../ground/base/pvc-uri.ts';
import { parseS3Uri } from '../../ground/base/s3-uri.ts';
import { backends } from '../../ground/contract/backends.ts';
import {
  type DeploymentRole,
  deploymentFiles,
  type Material,
  type NetworkFile,
  nameBeside,
  parseNetworkFile,
} from '../../ground/contract/deployment.ts';
import { installation } from '../../ground/contract/installation.ts';
import { workFiles } from '../../ground/contract/layout.ts';
import type { EngineBuilt, StoredFile } from '../../ground/contract/result.ts';
import type { BuildReport, BuildRequest, EngineTask } from '../../ground/contract/task.ts';

/** A stored engine, and what its builder reported. */
export type StoredBuild = {
  readonly engine: StoredFile;
  readonly report: Pick<BuildReport, 'runtime' | 'evidence'>;
  /** Folder that `stage` wrote to. */
  readonly work: string;
};

/** All names that the files of an engine can have. */
export const listDeploymentNames = ({ backend }: Pick<EngineTask, 'backend'>): readonly string[] =>
  (Object.keys(deploymentFiles) as DeploymentRole[]).map((role) =>
    nameBeside(backends[backend].engineFile, role),
  );

/** Writes the files of an engine; undefined for an export that does not describe its network. @throws UserError ModelInvalid */
export const makeDeployment = async (
  task: EngineTask,
  { engine, report, work }: StoredBuild,
): Promise<DeploymentTexts | undefined> => {
  if (task.network === undefined) return undefined;
  const { network } = parseNetwork(task, await readFile(join(work, workFiles.network), 'utf8'));
  const shapes = JSON.parse(await readFile(join(work, workFiles.request), 'utf8')) as BuildRequest;
  const { engineKey: key, image, etlt, calibrationCache } = task;
  const facts = describeEngine({
    network,
    options: task,
    shapes,
    report,
    engine,
    materials: [
      toMaterial('etlt', etlt),
      ...(calibrationCache ? [toMaterial('calibrationCache', calibrationCache)] : []),
    ],
    key,
    image,
  });
  return writeDeploymentFiles(facts, {
    encodedModel: pathFrom(task.folder, task.encodedModel),
    calibrationCache: pathFrom(task.folder, calibrationCache?.uri),
    builder: { id: `https://export.tlt.dev/${installation.operator}`, version: readProjectVersion() },
  });
};

/** The names of the files that status shows. */
export const nameDeployment = ({ files }: DeploymentTexts): NonNullable<EngineBuilt['deployment']> => {
  const nameOf = (role: DeploymentRole) => files.find((file) => file.role === role)?.name;
  const [deepStream, triton] = [nameOf('deepStream'), nameOf('triton')];
  return {
    ...(deepStream !== undefined && { deepStream }),
    ...(triton !== undefined && { triton }),
    provenance: nameOf('provenance')!,
    description: nameOf('facts')!,
  };
};

const parseNetwork = ({ network }: EngineTask, content: string): NetworkFile => {
  const parsed = parseNetworkFile(content);
  if (parsed) return parsed;
  throw new UserError(
    'ModelInvalid',
    `Reading ${network?.uri}: it does not describe a network. Export again with this version of the operator.`,
  );
};

const toMaterial = (name: string, { uri, sha256 }: EngineTask['etlt']): Material => ({
  name,
  uri,
  sha256: sha256 ?? '',
});

/** The path of a file from a folder of the same claim or bucket; undefined for a file of another one. */
const pathFrom = (folder: string, uri: string | undefined): string | undefined => {
  const [from, to] = [splitUri(folder), splitUri(uri ?? '')];
  return from && to && from.volume === to.volume ? posix.relative(from.path, to.path) : undefined;
};

const splitUri = (uri: string): { readonly volume: string; readonly path: string } | undefined => {
  const [claim, object] = [parsePvcUri(uri), parseS3Uri(uri)];
  if (claim) return { volume: `pvc://${claim.claim}`, path: claim.path };
  return object && { volume: `s3://${object.bucket}`, path: object.key };
};
