/** Which image the pod of `fetch` runs, and where it must run. Pure. */
import { UserError } from '../../ground/base/errors.ts';
import { workerProgram } from '../jobs/images.ts';

/** The part of a container that is read. */
type Container = { readonly image?: string; readonly command?: readonly string[] };
type PodSpec = {
  readonly initContainers?: readonly Container[];
  readonly containers?: readonly Container[];
  readonly imagePullSecrets?: readonly { readonly name: string }[];
};

/** A Job, or the Deployment of the operator. */
export type Templated = { readonly spec?: { readonly template?: { readonly spec?: PodSpec } } };

/** A pod that may have a claim mounted. */
export type ClaimUser = {
  readonly spec?: {
    readonly nodeName?: string;
    readonly volumes?: readonly { readonly persistentVolumeClaim?: { readonly claimName?: string } }[];
  };
  readonly status?: { readonly phase?: string };
};

/** core/v1 PersistentVolumeClaim. */
export type ClaimObject = {
  readonly metadata: { readonly name: string };
  readonly spec?: { readonly accessModes?: readonly string[] };
};

/** An image, and the Secrets that it is pulled with. */
export type ReaderImage = {
  readonly image: string;
  readonly pullSecrets: readonly { readonly name: string }[];
};

/** Where an image can be found. A list is empty if the user may not read it. */
export type ImageSources = {
  readonly flag: string | undefined;
  readonly jobs: readonly Templated[];
  readonly deployments: readonly Templated[];
};

/**
 * The image of the flag, else that of the worker in a Job of the export, else that of the operator. Pull secrets are those of the Job.
 * @throws UserError Usage, if none is known
 */
export const chooseImage = ({ flag, jobs, deployments }: ImageSources): ReaderImage => {
  const specs = jobs.flatMap(({ spec }) => spec?.template?.spec ?? []);
  const pullSecrets = specs.find(({ imagePullSecrets }) => imagePullSecrets)?.imagePullSecrets ?? [];
  const ours = specs
    .flatMap(({ initContainers = [], containers = [] }) => [...initContainers, ...containers])
    .find(({ command = [] }) => command[0] === 'node' && command[1] === workerProgram);
  const operator = deployments.flatMap(({ spec }) => spec?.template?.spec?.containers ?? [])[0];
  const image = flag ?? ours?.image ?? operator?.image;
  if (image !== undefined) return { image, pullSecrets };
  throw new UserError(
    'Usage',
    'Choosing an image for the pod that reads the claim: no Job of the export exists any more, and you may not read the Deployment of the operator. Pass the image of the operator by --image.',
  );
};

/**
 * The node to run on, if one of the claims is mounted and only one node can mount it.
 * @throws UserError StorageUnavailable if only one pod can mount a claim, and another has it
 */
export const chooseNode = (
  claims: readonly ClaimObject[],
  pods: readonly ClaimUser[],
): string | undefined => {
  for (const { metadata, spec } of claims) {
    const user = pods.find((pod) => isRunning(pod) && mountsClaim(pod, metadata.name));
    const modes = spec?.accessModes ?? [];
    if (user === undefined || modes.some((mode) => mode === 'ReadWriteMany' || mode === 'ReadOnlyMany'))
      continue;
    if (modes.includes('ReadWriteOnce')) return user.spec?.nodeName;
    throw new UserError(
      'StorageUnavailable',
      `Reading the claim ${metadata.name}: it is ReadWriteOncePod, and another pod has mounted it. Wait until that pod has ended.`,
    );
  }
  return undefined;
};

const isRunning = ({ spec, status }: ClaimUser): boolean =>
  spec?.nodeName !== undefined && status?.phase !== 'Succeeded' && status?.phase !== 'Failed';

const mountsClaim = ({ spec }: ClaimUser, name: string): boolean =>
  (spec?.volumes ?? []).some(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName === name);
