/** The part of an engine task that decides how the engine is built, and whether it can be built. */
import { canonicalJson } from '../../ground/base/digest.ts';
import { parseByteQuantity } from '../../ground/base/quantity.ts';
import { nameFields } from '../../ground/contract/fields.ts';
import type { EngineFacts } from '../../ground/contract/task.ts';
import { makeEngineRequest, planEngine } from '../../ground/plans/engine-plan.ts';
import type { PlanRefusal } from '../../ground/plans/plan-request.ts';
import { readEngineSettings } from '../api/engine-settings.ts';
import type { ExportDeviceClass } from '../api/export-device-class.ts';
import type { ModelExport } from '../api/model-export.ts';
import { dataTypeOf } from './keys.ts';

/** The engine of a ModelExport for one device class. */
export type AskedEngine = {
  readonly spec: ModelExport['spec'];
  readonly deviceClass: ExportDeviceClass;
  /**
   * Whether the int8 scales of the export come from training. Until the export is complete, the calibration source
   * decides.
   */
  readonly isTrained?: boolean;
};

/** The facts of one engine. */
export const makeEngineFacts = ({ spec, deviceClass, isTrained }: AskedEngine): EngineFacts => {
  const { backend } = deviceClass.spec.engine;
  const dataType = dataTypeOf(spec, deviceClass.metadata.name);
  const { source, keepFloat = [], minAgreement } = spec.calibration ?? {};
  const isInt8 = dataType === 'int8';
  const prefersFastest = deviceClass.spec.engine.prefer === 'Fastest';
  return {
    backend,
    dataType,
    maxBatchSize: spec.maxBatchSize,
    maxWorkspaceSizeBytes: parseByteQuantity(spec.maxWorkspaceSize),
    ...(isInt8 && (isTrained ?? source === 'Model') && { trained: true }),
    ...(isInt8 && keepFloat.length > 0 && { keepFloat }),
    ...(isInt8 && prefersFastest && minAgreement !== undefined && { minAgreement }),
    settings: readEngineSettings(deviceClass.spec, spec.strictTypeConstraints),
  };
};

/** Why the engine cannot be built, known before a pod occupies a device; undefined if it can. */
export const findEngineRefusal = (asked: AskedEngine): PlanRefusal | undefined => {
  const { refused } = planEngine(makeEngineRequest(makeEngineFacts(asked)));
  return refused && { ...refused, message: nameFields(refused.message, 'spec') };
};

/** Whether strict types are requested and change this engine; a strongly typed build has them anyway. */
export const hasStrictTypes = (asked: AskedEngine): boolean => {
  const facts = makeEngineFacts(asked);
  const planned = (strictTypes: boolean) =>
    canonicalJson(planEngine(makeEngineRequest({ ...facts, settings: { ...facts.settings, strictTypes } })));
  return asked.spec.strictTypeConstraints && planned(true) !== planned(false);
};
