/**
 * Keeps the plan of an engine as long as nothing that it consists of changes, so that its key, its Job and the hash of its
 * template are computed once and not at every reconcile.
 */
import { isSameJson } from '../../ground/base/same-json.ts';
import type { ModelExport } from '../api/model-export.ts';
import { computeEngineKey, type EngineJobInputs, findStoredKey } from '../jobs/engine-job.ts';

/** By the spec of the export, which its versions share while it is the same, and the name of the device class. */
const known = new WeakMap<ModelExport['spec'], Map<string, EngineJobInputs>>();

/** The plan that says the same and was returned before, or this one. */
export const toKnownPlan = (plan: EngineJobInputs): EngineJobInputs => {
  const { owner, deviceClass, images, exported } = plan;
  const plans = known.get(owner.spec) ?? new Map<string, EngineJobInputs>();
  const { name } = deviceClass.metadata;
  const before = plans.get(name);
  const isSame =
    before?.deviceClass === deviceClass &&
    before.images === images &&
    hasSameKey(before, findStoredKey(plan)) &&
    isSameJson(before.exported, exported);
  if (isSame) return before;
  known.set(owner.spec, plans.set(name, plan));
  return plan;
};

/** An older key in status would be kept; that of the plan itself changes nothing. */
const hasSameKey = (plan: EngineJobInputs, stored: string | undefined): boolean =>
  stored === findStoredKey(plan) || stored === computeEngineKey(plan);
