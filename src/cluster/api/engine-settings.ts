/** Settings of an engine build, from the fields of its device class. */
import type { Dla, EngineSettings } from '../../ground/contract/tensorrt-plan.ts';
import type { ExportDeviceClassSpec } from './export-device-class.ts';

/** Reads the settings of a class; fields that are not set are left out. */
export const readEngineSettings = (
  { engine, hardware }: ExportDeviceClassSpec,
  strictTypes: boolean,
): EngineSettings => {
  const computeCapability = engine.computeCapability ?? hardware?.computeCapability;
  const products = hardware?.products ?? [];
  const dla = dlaOf(engine);
  return {
    ...(engine.version !== undefined && { version: engine.version }),
    ...(computeCapability !== undefined && { computeCapability }),
    ...(products.length > 0 && { products }),
    ...(strictTypes && { strictTypes }),
    ...(dla && { dla }),
    ...(engine.prefer === 'Fastest' && { prefer: engine.prefer }),
    ...builderSettings(engine),
  };
};

const dlaOf = ({ dlaCore: core, dlaGpuFallback = true }: ExportDeviceClassSpec['engine']): Dla | undefined =>
  core === undefined ? undefined : { core, gpuFallback: dlaGpuFallback };

const builderSettings = ({ tensorRt, tensorRtRtx }: ExportDeviceClassSpec['engine']): EngineSettings => {
  const options = { ...tensorRtRtx, ...tensorRt };
  const { int8, hardwareCompatibilityLevel, versionCompatible, ...numbers } = options;
  return {
    ...(int8 && { int8Route: int8 }),
    ...(hardwareCompatibilityLevel && { hardwareCompatibility: hardwareCompatibilityLevel }),
    ...(versionCompatible && { versionCompatible }),
    ...numbers,
  };
};
