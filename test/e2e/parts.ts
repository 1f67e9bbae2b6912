/** An export like the sample whose images three pods count, one of which is killed in the middle. */
import { readFileSync } from 'node:fs';
import type { ExecutionContext } from 'ava';
import type { ModelExportStatus } from '../../src/cluster/api/model-export.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { conditionOf, namespace, readExport, sampleName, untilStatus } from '../demo/scenario.ts';

const name = 'in-parts';
const parts = 3;
const killed = 1;
const ofParts = `export.tlt.dev/model-export=${name},export.tlt.dev/stage=calibration`;
const indexLabel = 'batch.kubernetes.io/job-completion-index';

/** Applies the export, and kills the pod of the second part as soon as it runs. @returns the name of that pod */
export const startInParts = async (cluster: Cluster): Promise<string> => {
  const { apiVersion, kind, spec } = await readExport(cluster, sampleName);
  const object = {
    apiVersion,
    kind,
    metadata: { name, namespace },
    spec: {
      ...spec,
      calibration: { ...spec.calibration, parallelism: parts },
      output: { uri: `pvc://exports/${name}` },
      deviceClasses: [{ name: 'hopper' }], // It has no node: only the export is compared.
    },
  };
  await cluster.kubectl(['apply', '-f', '-'], JSON.stringify(object));
  const selector = ['-l', `${ofParts},${indexLabel}=${killed}`];
  const line = ['-o', 'jsonpath={.metadata.name} {.status.phase}{"\\n"}'];
  for await (const text of cluster.watch(['pods', '-n', namespace, ...selector, ...line], 300_000)) {
    const [pod = '', phase] = text.trim().split(' ');
    if (phase !== 'Running') continue;
    await cluster.kubectl(['delete', 'pod', '-n', namespace, pod, '--grace-period=0', '--force']);
    return pod;
  }
  throw new Error(`no pod of part ${killed} runs`);
};

type Stored = {
  readonly cluster: Cluster;
  /** Of the sample, whose images one pod has counted. */
  readonly status: ModelExportStatus;
  readonly fileOf: (uri: string) => string;
  /** Name of the pod that was killed. */
  readonly gone: string;
};

type JobView = {
  readonly spec: { readonly completions: number };
  readonly status: { readonly succeeded: number; readonly failed: number };
};
type PodView = {
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
};

/** The cache is that of one pod, byte for byte; the killed part was counted twice, and no other. */
export const compareWithOnePod = async (
  t: ExecutionContext,
  { cluster, status, fileOf, gone }: Stored,
): Promise<void> => {
  const found = await untilStatus(cluster, name, {
    holds: (now) => conditionOf(now, 'Exported')?.status === 'True',
    limitMs: 300_000,
  });
  const [one, many] = [status, found].map(({ export: exported }) => exported!.calibrationCache!);
  t.deepEqual(readFileSync(fileOf(many!.uri)), readFileSync(fileOf(one!.uri)));
  t.is(many!.images, 80);
  t.is(found.calibration!.key, found.calibration!.wantedKey);
  t.is(found.calibration!.attempts, undefined, 'the Job replaced the pod by itself');
  const list = async <T>(kind: string) =>
    (
      JSON.parse(await cluster.kubectl(['get', kind, '-n', namespace, '-l', ofParts, '-o', 'json'])) as {
        items: readonly T[];
      }
    ).items;
  const [job] = await list<JobView>('jobs');
  t.like(job, { spec: { completions: parts }, status: { succeeded: parts, failed: 1 } });
  const pods = await list<PodView>('pods');
  t.deepEqual(pods.map(({ metadata }) => metadata.labels[indexLabel]).toSorted(), ['0', '1', '2']);
  t.false(pods.some(({ metadata }) => metadata.name === gone));
};
