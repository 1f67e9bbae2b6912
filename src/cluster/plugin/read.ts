/** Reads what the commands show. The only file of the plugin that reads the cluster. */
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
import type { KubeClient, Query } from '../runtime/client.ts';
import type { Resource } from '../runtime/resources.ts';
import type { EventObject, Facts, JobView } from './objects.ts';

/** The cluster, as the user of the plugin may access it. */
export type Reader = { readonly client: KubeClient; readonly signal: AbortSignal };

/** A ModelExport by name. */
export type ReadTarget = { readonly namespace: string; readonly name: string };

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

type Selection = { readonly namespace?: string; readonly query?: Query };

/** Undefined if the user may not list these objects. */
const listIfAllowed = async <T>(
  reader: Reader,
  resource: Resource,
  selection: Selection,
): Promise<readonly T[] | undefined> => {
  try {
    return await listAll<T>(reader, resource, selection);
  } catch (thrown) {
    if (isStatus(thrown, 403)) return undefined;
    throw thrown;
  }
};

const selectOwned = (name: string): Query => ({ labelSelector: `${ownerLabels.ModelExport.name}=${name}` });

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
  yield* createInterface({ input: await client.watch(jobResources.pods, at, signal) });
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

/** Objects of one response of the apiserver. */
const pageSize = 500;

type Page<T> = { readonly items: readonly T[]; readonly metadata?: { readonly continue?: string } };

/** All pages of a list. */
const listAll = async <T>(
  { client, signal }: Reader,
  resource: Resource,
  { query, ...at }: Selection,
): Promise<readonly T[]> => {
  const found: T[] = [];
  let token: string | undefined = '';
  do {
    const paging: Query = { limit: String(pageSize), ...(token && { continue: token }) };
    const page = (await client.list(resource, { ...at, query: { ...query, ...paging } }, signal)) as Page<T>;
    found.push(...page.items);
    token = page.metadata?.continue;
  } while (token);
  return found;
};
