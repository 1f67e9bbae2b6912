/**
 * Where the worker of an export runs: in our image, or in the user's image with a codec. There an init container
 * installs the worker and its Node.js, so that worker and codec are two processes of one container, as on the command
 * line.
 */

import { mounts } from '../../ground/contract/layout.ts';
import { memorySettings } from '../../ground/contract/memory.ts';
import type { ModelExport } from '../api/model-export.ts';
import { type Images, workerProgram } from './images.ts';
import { containerDefaults, makeDiskVolume, type Volumes } from './pod.ts';
import { completeResources } from './resources.ts';

/** Image, command and volumes of the export container. */
export type WorkerPlace = {
  readonly image: string;
  /** The command of the worker, without its arguments. */
  readonly program: readonly string[];
  /** Environment variables that the image does not set. */
  readonly env?: readonly object[];
  readonly initContainers?: readonly object[];
  readonly volumes: Volumes;
};

/** Chooses the image, and prepares the installation of the worker in it. */
export const placeWorker = ({ codec, jobs }: ModelExport['spec'], images: Images): WorkerPlace => {
  const ours = ['node', workerProgram];
  if (codec === undefined)
    return { image: images.worker, program: ours, volumes: { volumes: [], mounts: [] } };
  const volumes = makeDiskVolume('worker', mounts.worker, workerSize);
  const install = {
    name: 'install',
    image: images.worker,
    command: [...ours, 'install', '--task', '{}'],
    resources: completeResources('helper', jobs?.helpers?.resources),
    volumeMounts: volumes.mounts,
    ...containerDefaults,
  };
  return { image: codec.image, program: installedWorker, env, initContainers: [install], volumes };
};

/** Node.js and the worker with its packages: our whole image has 273 MB. */
const workerSize = '1Gi';

const { environment, nodeFlags } = memorySettings;
const env = Object.entries(environment).map(([name, value]) => ({ name, value }));
const installedWorker = [`${mounts.worker}/node`, ...nodeFlags, `${mounts.worker}${workerProgram}`];
