/** `tlt-converter`: builds an engine from an exported model. The engine appears complete or not at all. */
import {
  buildEngineFile,
  checkBackend,
  checkPlugins,
  type EngineNetwork,
} from '../../export/engines/build-engine-file.ts';
import { checkCacheFits } from '../../export/engines/check-cache.ts';
import { findKey } from '../../formats/crypto/key.ts';
import { copyWith, graphOf } from '../../formats/onnx/graph.ts';
import { serializeModel } from '../../formats/onnx/model.ts';
import { readUsableScales } from '../../formats/scales/calibration-cache.ts';
import type { EngineOptions } from '../../graph/builders/build-request.ts';
import type { Scales } from '../../graph/precision/qdq.ts';
import { fileDigest } from '../../ground/base/digest.ts';
import { readRegular } from '../../ground/base/readable.ts';
import {
  makeOutputs,
  type Outputs,
  refuseToOverwrite,
  requireWritableFolder,
} from '../../ground/base/whole-file.ts';
import { type ConverterValues, converterProgram } from '../../ground/contract/converter-program.ts';
import { parseCommandLine } from '../cli/command-line.ts';
import {
  addDeploymentFiles,
  refuseExistingDeployment,
  requireDeploymentUse,
  type ToolDeployment,
} from '../cli/deployment.ts';
import { readInput } from '../cli/input-file.ts';
import type { ToolContext } from '../cli/tool-context.ts';
import { checkFlags, makeConverterOptions } from './engine-options.ts';
import { type ExportedModel, openExported, parseModelFlags } from './open-exported.ts';
import { checkProfile, parseProfile } from './profile.ts';

/** Runs `tlt-converter` with the arguments after its name. @throws UserError with the reason that determines the exit code */
export const runConverterCommand = async (argv: readonly string[], context: ToolContext): Promise<void> => {
  const line = parseCommandLine(converterProgram, argv);
  if (line.help !== undefined) return context.print(line.help);
  const { values } = line;
  const flags = parseModelFlags(line.operands[0]!, values);
  checkFlags(values);
  const profile = parseProfile(values.profile);
  await checkOutputs(values);
  const scales = values.data_type === 'int8' ? await readScales(values.cal_cache_file) : undefined;
  const options = await makeConverterOptions(values, profile);
  checkBackend(options);
  const exported = await openExported(flags, values, context);
  const { opened } = exported;
  if (profile) checkProfile(profile, opened);
  const network = flags.outputs === undefined ? opened : keepOutputs(opened, flags.outputs);
  checkPlugins(network, options);
  const keepFloat = options.keepFloat ?? [];
  const isTrained = values.trained_scales;
  if (scales) checkCacheFits(values.cal_cache_file, scales, { opened, keepFloat, isTrained });
  await writeEngine({ path: flags.path, values, network, options, scales, exported }, context);
};

const checkOutputs = async (values: ConverterValues): Promise<void> => {
  const { engine_file: file, deployment } = values;
  requireDeploymentUse(converterProgram, { ...values, hasEngine: true });
  await refuseToOverwrite(file);
  await requireWritableFolder(file);
  if (deployment) await refuseExistingDeployment(file);
};

/** @throws UserError InputNotFound, CacheInvalid */
const readScales = async (path: string): Promise<Scales> => {
  const bytes = await readInput(path, async () => readRegular(path, 'textBytes'));
  return readUsableScales(new TextDecoder().decode(bytes));
};

/** The network with the named outputs alone. */
const keepOutputs = ({ model }: EngineNetwork, names: readonly string[]): EngineNetwork => {
  const graph = graphOf(model);
  const output = names.map((wanted) => graph.output.find(({ name }) => name === wanted)!);
  const kept = copyWith(model, { graph: copyWith(graph, { output }) });
  return { model: kept, payload: serializeModel(kept) };
};

type Build = {
  /** The model's path. */
  readonly path: string;
  readonly values: ConverterValues;
  readonly network: EngineNetwork;
  readonly options: EngineOptions;
  readonly scales: Scales | undefined;
  readonly exported: ExportedModel;
};

const writeEngine = async (build: Build, context: ToolContext): Promise<void> => {
  const { values, network, options, scales } = build;
  const { engine_file: file, python } = values;
  await using outputs = makeOutputs();
  const request = { network, options, scales, file, python };
  const built = await buildEngineFile(request, { ...context, outputs });
  const notes = await writeDeployment(build, { built, outputs }, context);
  await outputs.publish();
  const { name, version } = built.report.runtime;
  context.log('INFO', `Engine for ${name} ${version} was saved into ${file}`);
  for (const note of notes) context.log('INFO', note);
};

type Written = Pick<ToolDeployment, 'built'> & { readonly outputs: Outputs };

const writeDeployment = async (
  { path, values, options, scales, exported: { network, opened } }: Build,
  { built, outputs }: Written,
  { env }: ToolContext,
): Promise<readonly string[]> => {
  if (network === undefined) return [];
  const { engine_file: engineFile, cal_cache_file: cache, codec_command, key_in_config } = values;
  const key = key_in_config ? await findKey({ key: values.key, keyFile: values.key_file, env }) : undefined;
  return addDeploymentFiles(
    {
      tool: converterProgram.name,
      network,
      options,
      built,
      engineFile,
      materials: [
        { name: 'model', sha256: opened.sha256 },
        ...(scales ? [{ name: 'calibrationCache', sha256: await fileDigest(cache) }] : []),
      ],
      ...(codec_command !== undefined && { encodedModel: path }),
      ...(scales && { calibrationCache: cache }),
      ...(key !== undefined && { key }),
    },
    outputs,
  );
};
