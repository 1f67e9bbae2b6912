/** Describes a built engine for serving. Pure. */
import type { EngineOptions } from '../../graph/builders/build-request.ts';
import type { DeploymentFile, Material, NetworkFacts } from '../../ground/contract/deployment.ts';
import type { StoredFile } from '../../ground/contract/result.ts';
import type { BuildReport, BuildRequest } from '../../ground/contract/task.ts';

/** A built engine, and what it was made from. */
export type BuiltEngine = {
  readonly network: NetworkFacts;
  readonly options: Pick<EngineOptions, 'backend' | 'dataType' | 'settings'>;
  /** Shapes [N,C,H,W] of the profile. */
  readonly shapes: Pick<BuildRequest, 'minShape' | 'optShape' | 'maxShape'>;
  readonly report: Pick<BuildReport, 'runtime' | 'evidence'>;
  readonly engine: StoredFile;
  readonly materials: readonly Material[];
  /** Content key, in an output folder. */
  readonly key?: string;
  /** Container image of the builder, in a pod. */
  readonly image?: string;
};

/** Describes the engine. The report may come from an image of the user, so only a well-formed capability is taken from it. */
export const describeEngine = (built: BuiltEngine): DeploymentFile => {
  const { network, options, shapes, report, engine, materials, key, image } = built;
  const { backend, dataType, settings } = options;
  const [min, opt, max] = [shapes.minShape, shapes.optShape, shapes.maxShape].map(([size]) => size!) as [
    number,
    number,
    number,
  ];
  const computeCapability = settings.computeCapability ?? capabilityIn(report);
  return {
    formatVersion: 1,
    network,
    engine: {
      ...engine,
      backend,
      dataType,
      batch: { min, opt, max },
      ...(computeCapability !== undefined && { computeCapability }),
      ...(settings.dla && { dlaCore: settings.dla.core }),
      runtime: report.runtime,
      ...(key !== undefined && { key }),
      ...(image !== undefined && { image }),
      materials: [...materials],
    },
  };
};

const capabilityIn = ({ evidence }: Pick<BuildReport, 'evidence'>): string | undefined => {
  const found = Object(Object(evidence).gpu).computeCapability as unknown;
  return typeof found === 'string' && /^\d{1,2}\.\d$/.test(found) ? found : undefined;
};
