/** The export pod: fetches the inputs, exports the model, and stores all artifacts, the manifest last. */
import { writeFile } from 'node:fs/promises';
import { findClassNames } from '../../export/deployment/class-names.ts';
import { type DescribedModel, describeNetwork } from '../../export/deployment/network-facts.ts';
import {
  type CacheFacts,
  type ExportArtifact,
  type ExportOutcome,
  makeArtifacts,
  prepareExport,
  storeArtifacts,
} from '../../export/pipeline/artifacts.ts';
import { int8Facts } from '../../export/pipeline/int8-share.ts';
import { openEncrypted } from '../../formats/crypto/encrypted-model.ts';
import { computePayloadDigest } from '../../formats/crypto/payload-digest.ts';
import { describeIntegerOperators } from '../../graph/precision/foreign-quantisers.ts';
import { canonicalJson } from '../../ground/base/digest.ts';
import { UserError } from '../../ground/base/errors.ts';
import { openReadable, readableBytes } from '../../ground/base/readable.ts';
import type { NetworkFile } from '../../ground/contract/deployment.ts';
import { nameFields } from '../../ground/contract/fields.ts';
import { artifactFiles, fileIn } from '../../ground/contract/layout.ts';
import type { Manifest } from '../../ground/contract/manifest.ts';
import { type Exported, reportedNodes } from '../../ground/contract/result.ts';
import type { ExportTask } from '../../ground/contract/task.ts';
import type { FileDigest } from '../storage/store.ts';
import { findFinishedWork, type WorkIdentity } from './finished-work.ts';
import { openTask, readInputs } from './open-task.ts';
import { type StagedWork, storeOnce } from './store-once.ts';
import type { TaskContext } from './task-context.ts';
import { requestFromTask } from './task-request.ts';
import type { TaskSource } from './task-source.ts';
import type { Training } from './training-data.ts';

/**
 * Runs an export, or returns the stored result of an earlier export with the same inputs.
 * @throws UserError with the reason that becomes the condition reason in status
 */
export const runExportTask = async (task: ExportTask, context: TaskContext): Promise<Exported> => {
  const inputs = await readInputs(task, context);
  const { key, training, data, digests } = inputs;
  const identity = identifyExport(task, { inputs: digests, key, context });
  const finished = await findFinishedWork(context.store, identity);
  if (finished) return { ...finished, reused: true };
  const { opened, cipher } = await openTask(task, inputs, context);
  const note = task.calibration && describeIntegerOperators(opened.model);
  if (note !== undefined) context.log('WARNING', note);
  const { architecture } = task;
  const deployment = await describeForServing({ architecture, opened, inputs: digests }, training, data);
  const request = requestFromTask(task, { opened, key, cipher, data, deployment, context });
  const prepared = await prepareExport(request, context);
  const digest = await computePayloadDigest(readableBytes(prepared.request.opened.payload), key);
  return storeOnce<Exported>(context.store, {
    identity,
    files: Object.values(artifactFiles).filter((file) => file !== artifactFiles.manifest),
    make: async (staging, nameOf) => {
      context.progress(0, 1, 'Storing');
      const files: StoredFiles = new Map();
      let cacheFacts: CacheFacts | undefined;
      await storeArtifacts(makeArtifacts(prepared, context), async ({ role, content, ...artifact }) => {
        const name = nameOf(artifactFiles[role]);
        const stored = await staging.make(name, (place) => writeFile(place, content));
        files.set(role, { file: name, ...stored });
        if ('facts' in artifact) cacheFacts = artifact.facts;
        return { name, ...stored };
      });
      const cache = reportCache(files.get('calibrationCache'), { task, cacheFacts, outcome: prepared });
      const etlt = { payloadDigest: digest, ...reportedNodes(opened.input, opened.outputs) };
      return reportExport({ task, inputs: digests, files, etlt, cache, outcome: prepared });
    },
  });
};

/** Makes `deployment.json`. Class names are those of the spec, or the class folders of the training data. */
const describeForServing = async (
  described: Omit<DescribedModel, 'labels'>,
  training: Training | undefined,
  data: TaskSource | undefined,
): Promise<string> => {
  const loader = data?.source.kind === 'Loader' ? data.source : undefined;
  const labels = await findClassNames({
    spec: training?.spec,
    ...(loader && { plan: () => loader.plan, dataRoot: loader.dataRoot }),
  });
  const file: NetworkFile = { formatVersion: 1, network: describeNetwork({ ...described, labels }) };
  return `${canonicalJson(file)}\n`;
};

type StoredFiles = Map<ExportArtifact['role'], FileDigest & { readonly file: string }>;

/** A stored export counts only if the present key opens its `.etlt`: after a change of the key, the model is encrypted again. */
const identifyExport = (
  { folder }: ExportTask,
  {
    inputs,
    key,
    context: { store, signal },
  }: { readonly inputs: Manifest['inputs']; readonly key: string; readonly context: TaskContext },
): WorkIdentity<Exported> => ({
  kind: 'Exported',
  folder,
  inputs,
  isUsable: async ({ etlt }) => isEncryptedWith(key, await store.fetch(fileIn(folder, etlt.file), signal)),
  signal,
});

/** Decrypts only the header, which takes one key derivation. */
const isEncryptedWith = async (key: string, path: string): Promise<boolean> => {
  using file = openReadable(path);
  try {
    await openEncrypted(file, key);
    return true;
  } catch (thrown) {
    if (thrown instanceof UserError && thrown.reason === 'WrongKey') return false;
    throw thrown;
  }
};

const optional = <K extends string, V>(name: K, value: V | undefined): { readonly [P in K]?: V } =>
  (value === undefined ? {} : { [name]: value }) as { readonly [P in K]?: V };

type CacheInputs = {
  readonly task: ExportTask;
  readonly cacheFacts: CacheFacts | undefined;
  readonly outcome: ExportOutcome;
};

const reportCache = (
  stored: (FileDigest & { readonly file: string }) | undefined,
  { task, cacheFacts, outcome }: CacheInputs,
): Exported['calibrationCache'] => {
  if (stored === undefined || cacheFacts === undefined) return undefined;
  const batches = cacheFacts.algorithm === 'Trained' ? 0 : task.calibration!.batches;
  return { ...stored, ...cacheFacts, batches, ...int8Facts(outcome.verdict) };
};

/** The pass over the images, with milliseconds. */
const describePass = ({ quantised }: ExportOutcome): Exported['calibrationPass'] => {
  if (quantised?.origin !== 'Calibration') return undefined;
  const { calibrated, passSeconds } = quantised.calibration;
  return passSeconds === undefined
    ? undefined
    : { images: calibrated.statistics.images, seconds: passSeconds.toFixed(3) };
};

type ExportParts = {
  readonly task: ExportTask;
  readonly inputs: Manifest['inputs'];
  readonly files: StoredFiles;
  readonly etlt: Omit<Exported['etlt'], keyof FileDigest | 'file'>;
  readonly cache: Exported['calibrationCache'];
  readonly outcome: ExportOutcome;
};

const reportExport = ({ task, inputs, files, etlt, cache, outcome }: ExportParts): StagedWork<Exported> => {
  const model = { ...files.get('etlt')!, ...etlt };
  const codecEtlt = files.get('codecEtlt');
  return {
    key: task.exportKey,
    files: Object.fromEntries([...files.values()].map(({ file, ...stored }) => [file, stored])),
    result: {
      kind: 'Exported',
      etlt: model,
      ...optional('codecEtlt', codecEtlt),
      ...optional('calibrationCache', cache),
      ...optional('calibrationPass', describePass(outcome)),
      ...optional('distributions', files.get('distributions')),
      ...optional('verification', files.get('verification')),
      ...optional('deployment', files.get('deployment')),
      report: { file: files.get('report')!.file, pageFile: files.get('reportPage')!.file },
      inputs,
      reused: false,
    },
    notes: [
      `tail -c +5 ${model.file} | age --decrypt > model.onnx   # asks for the key`,
      ...(cache ? [`${cache.file} ${cacheReaders} (trtexec --int8 --calib=${cache.file})`] : []),
      ...(codecEtlt ? [`${codecEtlt.file} is the same model, encrypted by the program of spec.codec`] : []),
      ...outcome.verdict.notes.map(({ text }) => nameFields(text, 'spec')),
    ],
  };
};

const cacheReaders = 'is the text that TensorRT up to 10.x reads';
