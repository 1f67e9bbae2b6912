/** Descriptions of engines of the test models, made as the tools make them. */
import { parseExperimentSpec } from '../../src/data/specs/experiment-spec.ts';
import { findClassNames } from '../../src/export/deployment/class-names.ts';
import { describeNetwork } from '../../src/export/deployment/network-facts.ts';
import { type OpenedModel, openModel } from '../../src/export/models/open-model.ts';
import type { Architecture } from '../../src/ground/contract/architectures.ts';
import type { DeploymentFile } from '../../src/ground/contract/deployment.ts';
import { specOf } from '../builders/training.ts';
import { modelFile } from '../models/models.ts';

const fileOf = (architecture: Architecture): string =>
  modelFile((architecture === 'classification' ? 'classifier' : architecture) as 'classifier');

export const openTestModel = async (architecture: Architecture, withSpec = true): Promise<OpenedModel> => {
  const options = { file: 'spec.txt', architecture };
  const spec = withSpec ? parseExperimentSpec(specOf(architecture), options) : undefined;
  return openModel({ path: fileOf(architecture), key: '', architecture, spec });
};

/** An int8 engine of TensorRT 10.3 for a T4, with changes. */
export const anEngine = async (
  architecture: Architecture,
  changes: Partial<DeploymentFile['engine']> = {},
): Promise<DeploymentFile> => {
  const opened = await openTestModel(architecture);
  const spec = parseExperimentSpec(specOf(architecture), { file: 'spec.txt', architecture });
  const labels = architecture === 'classification' ? ['cat', 'a; dog'] : await findClassNames({ spec });
  return {
    formatVersion: 1,
    network: describeNetwork({ architecture, opened, labels, inputs: { model: 'a'.repeat(64) } }),
    engine: {
      file: 'model.engine',
      sha256: 'b'.repeat(64),
      sizeBytes: 1000,
      backend: 'TensorRt',
      dataType: 'int8',
      batch: { min: 1, opt: 4, max: 8 },
      computeCapability: '7.5',
      runtime: { name: 'TensorRT', version: '10.3.0' },
      materials: [{ name: 'etlt', uri: 'pvc://c/m.etlt', sha256: 'c'.repeat(64) }],
      ...changes,
    },
  };
};

/** The builder that provenance names. */
export const builder = { id: 'https://export.tlt.dev/test', version: '1.2.3' };
