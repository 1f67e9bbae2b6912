/** Classic TensorRT on real kubelets, with the stand-in as images: four classes at once, each failure, and another version of a class. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { parse } from 'yaml';
import type { ModelExport } from '../../src/cluster/api/model-export.ts';
import { type Cluster, startCluster } from '../cluster/cluster.ts';
import { applyClasses, installOperator, layOut, root, sampleName, untilStatus } from '../demo/scenario.ts';
import { standInArchive } from '../tensorrt/stand-in-images.ts';
import { pinned } from './applied.ts';
import {
  buildForFourClasses,
  classicEight,
  classicObjects,
  failAsReported,
  forFourClasses,
  rebuildOneClass,
} from './classic.ts';

const sample = parse(readFileSync(join(root, 'deploy/samples/model-export.yaml'), 'utf8')) as ModelExport;

let cluster: Cluster;
const digestOf = (image: string) => pinned(cluster, image);
const apply = (items: readonly object[]) =>
  cluster.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));

test.before(async () => {
  cluster = await startCluster({ archives: [await standInArchive()] });
  await installOperator(cluster);
  await layOut(cluster);
  await applyClasses(cluster);
  await apply([await classicEight(digestOf), forFourClasses(sample)]);
  const limitMs = 300_000;
  await untilStatus(cluster, sampleName, { holds: (status) => status.export?.etlt !== undefined, limitMs });
  await apply(await classicObjects(sample, digestOf));
});

test.after.always(async () => {
  await cluster?.stop();
});

test.serial('one ModelExport builds for four classes of three backends at once', (t) =>
  buildForFourClasses(t, cluster),
);

test.serial('each failure of a classic builder has its reason, and is not tried again', (t) =>
  failAsReported(t, cluster),
);

test.serial('another TensorRT version of a class rebuilds the engine of that class alone', (t) =>
  rebuildOneClass(t, cluster, digestOf),
);
