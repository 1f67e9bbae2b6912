/**
 * Keeps the plan of an engine as long as nothing that it consists of changes, so that its key, its Job and the hash of its
 * template are computed once for a version of the export and not at every reconcile.
 */
import { isSameJson } from '../../ground/base/same-json.ts';
import type { ModelExport } from '../api/model-export.ts';
import type { EngineJobInputs } from '../jobs/engine-job.ts';

/** By the export, and the name of the device class. */
const known = new WeakMap<ModelExport, Map<string, EngineJobInputs>>();

/** The plan that says the same and was returned before, or this one. */
export const toKnownPlan = (plan: EngineJobInputs): EngineJobInputs => {
  const { owner, deviceClass, images, exported } = plan;
  const plans = known.get(owner) ?? new Map<string, EngineJobInputs>();
  const { name } = deviceClass.metadata;
  const before = plans.get(name);
  const isSame =
    before?.deviceClass === deviceClass && before.images === images && isSameJson(before.exported, exported);
  if (isSame) return before;
  known.set(owner, plans.set(name, plan));
  return plan;
};
