/** `tlt-model convert`: what a training left as an ONNX. */

import { parseExperimentSpec, readSpecText } from '../../data/specs/experiment-spec.ts';
import { detectorWish } from '../../export/models/keras-detector.ts';
import { readContent } from '../../export/models/model-content.ts';
import type { ImportWish } from '../../graph/keras/import.ts';
import { refuseToOverwrite } from '../../ground/base/whole-file.ts';
import { paddingNames } from '../inspect/keras-text.ts';
import type { Words } from './model-words.ts';
import { cipherOf, keyOf, naming, placesOf, type Terminal, writtenFile } from './model-world.ts';
import { writeOnnx } from './onnx-file.ts';

export const convert = async (words: Words, terminal: Terminal): Promise<void> => {
  const [path, target] = placesOf('convert', words, '.onnx');
  await refuseToOverwrite(target);
  const key = () => keyOf(words, terminal);
  const cipher = cipherOf(words, terminal);
  const content = await naming(path, () =>
    readContent({
      path,
      key,
      cipher,
      keras: async () => ({ ...(await endOf(words)), dialect: words.padding }),
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
const endOf = async ({ spec: file }: Words): Promise<ImportWish> => {
  if (file === undefined) return {};
  const spec = parseExperimentSpec(await readSpecText(file), { file, architecture: undefined });
  return detectorWish(spec.architecture, spec);
};
