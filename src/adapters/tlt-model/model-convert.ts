/** `tlt-model convert`: a trained model → ONNX. */

import { parseExperimentSpec, readSpecText } from '../../data/specs/experiment-spec.ts';
import { makeDetectorOptions } from '../../export/models/keras-detector.ts';
import { readContent } from '../../export/models/model-content.ts';
import type { ImportOptions } from '../../graph/keras/import.ts';
import { refuseToOverwrite } from '../../ground/base/whole-file.ts';
import { paddingNames } from '../inspect/keras-text.ts';
import {
  type Arguments,
  cipherOf,
  keyOf,
  naming,
  pathsOf,
  type Terminal,
  writtenFile,
} from './model-world.ts';
import { writeOnnx } from './onnx-file.ts';

export const convert = async (given: Arguments<'convert'>, terminal: Terminal): Promise<void> => {
  const { values } = given;
  const [path, target] = pathsOf(given, '.onnx');
  await refuseToOverwrite(target);
  const key = () => keyOf(values, terminal);
  const cipher = cipherOf(values, terminal);
  const content = await naming(path, () =>
    readContent({
      path,
      key,
      cipher,
      keras: async () => ({ ...(await endOf(values.experiment_spec)), dialect: values.padding }),
    }),
  );
  await writeOnnx(target, content);
  const { keras } = content;
  const from = keras
    ? `, of ${keras.layers.length} Keras layers with ${paddingNames[keras.dialect]} padding`
    : '';
  const beside = content.payload ? '' : `, weights in ${target}.data`;
  terminal.print(`${await writtenFile(target)}${from}${beside}\n`);
};

/** The spec tells the module, and with it how the graph ends; without it a model ends as it was trained. */
const endOf = async (file: string | undefined): Promise<ImportOptions> => {
  if (file === undefined) return {};
  const spec = parseExperimentSpec(await readSpecText(file), { file, architecture: undefined });
  return makeDetectorOptions(spec.architecture, spec);
};
