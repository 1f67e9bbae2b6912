/** The sample classes of classic TensorRT, and the plans that each must have. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { parseAllDocuments } from 'yaml';
import { readEngineSettings } from '../../src/cluster/api/engine-settings.ts';
import type { ExportDeviceClass } from '../../src/cluster/api/export-device-class.ts';
import { planEngine } from '../../src/ground/plans/engine-plan.ts';

const text = readFileSync(join(import.meta.dirname, '../../deploy/samples/tensorrt-classes.yaml'), 'utf8');
/** The classes of the file, in its order. */
export const sampleClasses = parseAllDocuments(text).map((document) => document.toJS() as ExportDeviceClass);

/** The versions that the plan of each class is for, and its way of int8. */
const expected: Readonly<Record<string, readonly [from: string, below: string, int8: string]>> = {
  t4: ['10.0', '10.5', 'QdqGraph'],
  l4: ['10.9', '11', 'QdqGraph'],
  'xavier-jetpack-5-1-dla': ['8.5', '8.6', 'DynamicRanges'],
  'orin-jetpack-6-0': ['8.6', '9', 'DynamicRanges'],
  'orin-jetpack-6-1-dla': ['10.0', '10.5', 'DynamicRanges'],
};

/** The class, with the defaults of the apiserver, is planned for int8 and fp16 as its TensorRT version needs. */
export const havePlans = (t: ExecutionContext, { metadata: { name }, spec }: ExportDeviceClass): void => {
  const request = {
    ...readEngineSettings(spec, false),
    backend: spec.engine.backend,
    batch: { min: 1, opt: 1, max: 1 },
    workspaceBytes: 2 ** 30,
  } as const;
  const int8 = planEngine({ ...request, dataType: 'int8', scales: 'Calibrated' });
  t.is(int8.refused, undefined, name);
  const { version, int8: route, dla } = int8.plan!.tensorRt!;
  t.deepEqual([version.from, version.below, route], expected[name], name);
  t.is(dla !== undefined, name.endsWith('dla'));
  t.is(planEngine({ ...request, dataType: 'fp16', scales: 'None' }).refused, undefined, name);
};
