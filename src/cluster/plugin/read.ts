/** Reads what the commands show. */
import { createInterface } from 'node:readline';
import { UserError } from '../../ground/base/errors.ts';
import type { ExportDeviceClass } from '../api/export-device-class.ts';
import { resourceOf } from '../api/group.ts';
import { ownerLabels } from '../api/labels.ts';
import type { ModelExport } from '../api/model-export.ts';
import { type NodeFacts, nodeResource, projectNode } from '../deviceclass/node.ts';
import { jobResources } from '../ownedjobs/caches.ts';
import type { PodObject } from '../ownedjobs/kube-shapes.ts';
import { isStatus } from '../runtime/api-error.ts';
import type { Query } from '../runtime/client.ts';
import { listAll, listIfAllowed, type Reader, type ReadTarget } from './lists.ts';
import type { EventObject, Facts, JobView } from './objects.ts';

/** @throws UserError InputNotFound */
export const readModelExport = async (
  { client, signal }: Reader,
  { namespace, name }: ReadTarget,
): Promise<ModelExport> => {
  try {
    return (await client.read(resourceOf('ModelExport'), { namespace, name }, signal)) as ModelExport;
  } catch (thrown) {
    if (!isStatus(thrown, 404)) throw thrown;
    throw new UserError(
      'InputNotFound',
      `Reading the ModelExport ${name} in namespace ${namespace}: it does not exist. List those that do with kubectl get mex -n ${namespace}.`,
      { cause: thrown },
    );
  }
};

/** The ModelExport with its Jobs, pods and warnings. @throws UserError InputNotFound */
export const readFacts = async (reader: Reader, target: ReadTarget): Promise<Facts> => {
  const { namespace, name } = target;
  const ours = selectOwned(name);
  const [modelExport, jobs, pods, warnings] = await Promise.all([
    readModelExport(reader, target),
    listIfAllowed<JobView>(reader, jobResources.jobs, { namespace, query: ours }),
    listIfAllowed<PodObject>(reader, jobResources.pods, { namespace, query: ours }),
    listIfAllowed<EventObject>(reader, jobResources.events, {
      namespace,
      query: { fieldSelector: 'type=Warning' },
    }),
  ]);
  return { modelExport, jobs, pods, warnings };
};

/** Selects the Jobs and pods of a ModelExport. */
export const selectOwned = (name: string): Query => ({
  labelSelector: `${ownerLabels.ModelExport.name}=${name}`,
});

/** The Jobs and pods of a ModelExport. */
export const readPods = async (
  reader: Reader,
  { namespace, name }: ReadTarget,
): Promise<{ readonly jobs: readonly JobView[]; readonly pods: readonly PodObject[] }> => {
  const owned = { namespace, query: selectOwned(name) };
  const [jobs, pods] = await Promise.all([
    listAll<JobView>(reader, jobResources.jobs, owned),
    listAll<PodObject>(reader, jobResources.pods, owned),
  ]);
  return { jobs, pods };
};

/** The lines of the log of a container so far. */
export async function* readLog(
  { client, signal }: Reader,
  pod: ReadTarget,
  container: string,
): AsyncGenerator<string> {
  const at = { ...pod, subresource: 'log', query: { container } };
  yield* createInterface({ input: await client.stream(jobResources.pods, at, signal) });
}

/** All classes and nodes, by name. */
export const readHardware = async (
  reader: Reader,
): Promise<{ readonly classes: readonly ExportDeviceClass[]; readonly nodes: readonly NodeFacts[] }> => {
  const [classes, nodes] = await Promise.all([
    listAll<ExportDeviceClass>(reader, resourceOf('ExportDeviceClass'), {}),
    listAll<unknown>(reader, nodeResource, {}),
  ]);
  return { classes: sortByName(classes), nodes: sortByName(nodes.map(projectNode)) };
};

const sortByName = <T extends { readonly metadata: { readonly name: string } }>(
  objects: readonly T[],
): readonly T[] => objects.toSorted((a, b) => a.metadata.name.localeCompare(b.metadata.name, 'en'));
