/** Real models in the form of a TLT export; where each comes from stands in README.md beside this file. */
import { join } from 'node:path';

const fixtures = join(import.meta.dirname, '..', 'fixtures', 'models');

export type ModelName = 'classifier' | 'detectnet_v2';

export const modelFile = (name: ModelName): string => join(fixtures, `${name}.onnx`);
