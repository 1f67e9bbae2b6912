/** Opens the model of `tlt-converter`, with what a deployment must know of it. */
import { readExperimentSpec } from '../../data/specs/experiment-spec.ts';
import type { ExperimentSpec } from '../../data/specs/read-spec.ts';
import { findClassNames } from '../../export/deployment/class-names.ts';
import { describeNetwork } from '../../export/deployment/network-facts.ts';
import { type OpenedNetwork, openModel, openNetwork } from '../../export/models/open-model.ts';
import { findOnlyPorts } from '../../export/models/ports.ts';
import type { Cipher } from '../../formats/crypto/encrypted-model.ts';
import { createExternalCodec } from '../../formats/crypto/external/codec.ts';
import { findKey, readKey } from '../../formats/crypto/key.ts';
import type { Architecture } from '../../ground/contract/architectures.ts';
import { type ConverterValues, converterProgram } from '../../ground/contract/converter-program.ts';
import type { NetworkFacts } from '../../ground/contract/deployment.ts';
import type { InputDims } from '../../ground/contract/model-settings.ts';
import { usageError } from '../cli/command-line.ts';
import { parseCommand } from '../cli/parse-command.ts';
import { parseDims, parseNames } from '../cli/parse-values.ts';
import type { ToolContext } from '../cli/tool-context.ts';

/** Parsed flags about the model. */
export type ModelFlags = {
  readonly path: string;
  readonly dims: InputDims | undefined;
  /** Names of `-o`. */
  readonly outputs: readonly string[] | undefined;
};

/** Parses the flags. @throws UserError Usage */
export const parseModelFlags = (path: string, { input_dims, output_nodes }: ConverterValues): ModelFlags => ({
  path,
  dims: input_dims === undefined ? undefined : parseDims(converterProgram, input_dims),
  outputs: output_nodes === undefined ? undefined : parseNames(output_nodes),
});

/** The network, and its description if a deployment is requested. */
export type ExportedModel = {
  readonly opened: Omit<OpenedNetwork, 'elementType'>;
  readonly network: NetworkFacts | undefined;
};

/**
 * Opens the model.
 * @throws UserError as `openModel`
 */
export const openExported = async (
  flags: ModelFlags,
  values: ConverterValues,
  context: ToolContext,
): Promise<ExportedModel> => {
  const { path, dims, outputs } = flags;
  const key = { key: values.key, keyFile: values.key_file, env: context.env };
  const cipher = makeCipher(values, context);
  context.log('INFO', `Loading model from ${path}`);
  if (values.deployment) return openModule(flags, { values, cipher, key: (await findKey(key)) ?? '' });
  const ports = (graph: Parameters<typeof findOnlyPorts>[0]) => findOnlyPorts(graph, { path, outputs });
  return {
    opened: await openNetwork({ path, key: () => readKey(key), cipher, ports, dims }),
    network: undefined,
  };
};

type ModuleSource = {
  readonly values: ConverterValues;
  readonly cipher: Cipher | undefined;
  /** Empty if none is named. */
  readonly key: string;
};

/** With the module, ports and preprocessing are known. */
const openModule = async (
  { path, dims, outputs }: ModelFlags,
  { values, cipher, key }: ModuleSource,
): Promise<ExportedModel> => {
  const architecture = requireModule(values);
  const spec = await readSpec(values, architecture);
  const settings = { ...(outputs && { ports: { outputs } }), ...(dims && { inputDims: dims }) };
  const opened = await openModel({ path, key, architecture, cipher, spec, settings });
  const labels = await findClassNames({ spec, plan: spec?.loader, classmap: values.classmap_json });
  return { opened, network: describeNetwork({ architecture, opened, labels, inputs: {} }) };
};

const requireModule = ({ architecture }: ConverterValues): Architecture => {
  if (architecture !== undefined) return architecture;
  throw usageError(converterProgram, '--deployment needs the module of the model. Add --architecture');
};

const readSpec = (
  { experiment_spec: file }: ConverterValues,
  architecture: Architecture,
): Promise<ExperimentSpec> | undefined =>
  file === undefined ? undefined : readExperimentSpec(file, architecture);

/** The cipher of `--codec_command`; undefined without that flag. @throws UserError Usage */
const makeCipher = (
  { codec_command: text }: ConverterValues,
  { signal, log }: ToolContext,
): Cipher | undefined => {
  if (text === undefined) return undefined;
  return createExternalCodec({ command: parseCommand(text), signal, warn: (line) => log('WARNING', line) });
};
