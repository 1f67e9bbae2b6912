/** `tlt-model convert`: converts a trained model to ONNX. */
import { parseExperimentSpec, readSpecText } from '../../data/specs/experiment-spec.ts';
import { makeDetectorOptions } from '../../export/models/keras-detector.ts';
import { readContent } from '../../export/models/model-content.ts';
import type { ImportOptions } from '../../graph/keras/import.ts';
import { refuseToOverwrite } from '../../ground/base/whole-file.ts';
import { paddingNames } from '../inspect/keras-text.ts';
import {
  type Arguments,
  describeFile,
  type ModelToolContext,
  makeCipher,
  readKeyFlags,
  resolvePaths,
  withFileName,
} from './model-context.ts';
import { writeOnnx } from './onnx-file.ts';

/** Runs `tlt-model convert`. @throws UserError with the reason that determines the exit code */
export const convert = async (given: Arguments<'convert'>, context: ModelToolContext): Promise<void> => {
  const { values } = given;
  const [path, target] = resolvePaths(given, '.onnx');
  await refuseToOverwrite(target);
  const key = () => readKeyFlags(values, context);
  const cipher = makeCipher(values, context);
  const content = await withFileName(path, () =>
    readContent({
      path,
      key,
      cipher,
      keras: async () => ({ ...(await readKerasOptions(values.experiment_spec)), dialect: values.padding }),
    }),
  );
  await writeOnnx(target, content);
  const { keras } = content;
  const from = keras
    ? `, of ${keras.layers.length} Keras layers with ${paddingNames[keras.dialect]} padding`
    : '';
  const beside = content.payload ? '' : `, weights in ${target}.data`;
  context.print(`${await describeFile(target)}${from}${beside}\n`);
};

/** The spec determines the plugin nodes at the end of a detector. Without it, the graph ends as the network was trained. */
const readKerasOptions = async (file: string | undefined): Promise<ImportOptions> => {
  if (file === undefined) return {};
  const spec = parseExperimentSpec(await readSpecText(file), { file, architecture: undefined });
  return makeDetectorOptions(spec.architecture, spec);
};
