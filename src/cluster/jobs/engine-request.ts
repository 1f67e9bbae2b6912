/** What a ModelExport and a device class ask of an engine build: the part of the engine task that decides how it is built. */
import { canonicalJson } from '../../ground/base/digest.ts';
import { parseByteQuantity } from '../../ground/base/quantity.ts';
import { nameFields } from '../../ground/contract/fields.ts';
import type { EngineTask } from '../../ground/contract/task.ts';
import { makeEngineRequest, planEngine } from '../../ground/plans/engine-plan.ts';
import type { PlanRefusal } from '../../ground/plans/plan-request.ts';
import { readEngineSettings } from '../api/engine-settings.ts';
import type { ExportDeviceClass } from '../api/export-device-class.ts';
import type { ModelExport } from '../api/model-export.ts';
import { dataTypeOf } from './keys.ts';

export type EngineFacts = Pick<
  EngineTask,
  'backend' | 'dataType' | 'maxBatchSize' | 'maxWorkspaceSizeBytes' | 'keepFloat' | 'trained' | 'settings'
>;

export type AskedEngine = {
  readonly spec: ModelExport['spec'];
  readonly deviceClass: ExportDeviceClass;
  /** Whether the scales of the export come from training; before the export, the calibration source says so. */
  readonly isTrained?: boolean;
};

/** The facts that decide how an engine is built. */
export const makeEngineFacts = ({ spec, deviceClass, isTrained }: AskedEngine): EngineFacts => {
  const { backend } = deviceClass.spec.engine;
  const dataType = dataTypeOf(spec, deviceClass.metadata.name);
  const { source, keepFloat = [] } = spec.calibration ?? {};
  const isInt8 = dataType === 'int8';
  return {
    backend,
    dataType,
    maxBatchSize: spec.maxBatchSize,
    maxWorkspaceSizeBytes: parseByteQuantity(spec.maxWorkspaceSize),
    ...(isInt8 && (isTrained ?? source === 'Model') && { trained: true }),
    ...(isInt8 && keepFloat.length > 0 && { keepFloat }),
    settings: readEngineSettings(deviceClass.spec, spec.strictTypeConstraints),
  };
};

/** What cannot be built, known before a pod takes a device. */
export const findEngineRefusal = (asked: AskedEngine): PlanRefusal | undefined => {
  const { refused } = planEngine(makeEngineRequest(makeEngineFacts(asked)));
  return refused && { ...refused, message: nameFields(refused.message, 'spec') };
};

/** Whether strict types are asked for and change this engine: a strongly typed build has them anyway. */
export const hasStrictTypes = (asked: AskedEngine): boolean => {
  const facts = makeEngineFacts(asked);
  const planned = (strictTypes: boolean) =>
    canonicalJson(planEngine(makeEngineRequest({ ...facts, settings: { ...facts.settings, strictTypes } })));
  return asked.spec.strictTypeConstraints && planned(true) !== planned(false);
};
