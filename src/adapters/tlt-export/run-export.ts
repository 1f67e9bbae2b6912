/** Runs a parsed `tlt-export`. Outputs appear complete or not at all, and existing files are never overwritten. */
import { checkPlugins } from '../../export/engines/build-engine-file.ts';
import { openModel } from '../../export/models/open-model.ts';
import { makeArtifacts, prepareExport, storeArtifacts } from '../../export/pipeline/artifacts.ts';
import type { Cipher } from '../../formats/crypto/encrypted-model.ts';
import { readKey } from '../../formats/crypto/key.ts';
import { describeIntegerOperators } from '../../graph/precision/foreign-quantisers.ts';
import { makeOutputs } from '../../ground/base/whole-file.ts';
import type { Architecture } from '../../ground/contract/architectures.ts';
import type { ExportValues } from '../../ground/contract/flags.ts';
import { parseCommand } from '../cli/parse-command.ts';
import type { ToolContext } from '../cli/tool-context.ts';
import { artifactPaths, makeArtifactWriter } from './artifact-files.ts';
import { makeEngineOptions } from './build-engine.ts';
import { countPart } from './count-part.ts';
import { checkEarly } from './early-checks.ts';
import { requestFromFlags } from './export-request.ts';
import { parseModelSettings } from './model-flags.ts';
import { readTrainingFlags } from './select-source.ts';
import { describeMeasured, type EngineToWrite, writeEngine, writeEngineDeployment } from './write-engine.ts';

/** Exports a model of `architecture` with these flags. @throws UserError with the reason that determines the exit code */
export const runExport = async (
  architecture: Architecture,
  values: ExportValues,
  context: ToolContext,
): Promise<void> => {
  const settings = parseModelSettings(values);
  const training = await readTrainingFlags(architecture, values, context);
  await checkEarly(architecture, values, training);
  const key = await readKey({ key: values.key, keyFile: values.key_file, env: context.env });
  context.log('INFO', `Loading model from ${values.model}`);
  const cipher = await makeCipher(values, key, context);
  const spec = training?.spec;
  const opened = await openModel({ path: values.model, key, architecture, cipher, spec, settings });
  const note = values.data_type === 'int8' ? describeIntegerOperators(opened.model) : undefined;
  if (note !== undefined) context.log('WARNING', note);
  if (values.engine_file !== undefined) checkPlugins(opened, makeEngineOptions(values, false));
  const request = requestFromFlags(values, { opened, architecture, key, cipher, training, context });
  if (values.cal_part !== undefined) return countPart(request, context);
  await writeFiles(request, { values, training }, context);
};

const writeFiles = async (
  request: ReturnType<typeof requestFromFlags>,
  { values, training }: Omit<EngineToWrite, 'prepared'>,
  context: ToolContext,
): Promise<void> => {
  await using outputs = makeOutputs();
  const messages: string[] = [];
  const exporting = { ...context, outputs, logAtEnd: (message: string) => void messages.push(message) };
  const store = makeArtifactWriter(artifactPaths(values), exporting);
  const prepared = await prepareExport(request, context);
  const wanted = { values, prepared, training };
  // Before the report, which has the latencies of the engine.
  const written = values.engine_file === undefined ? undefined : await writeEngine(wanted, exporting);
  const measured = written && { engine: describeMeasured(written) };
  await storeArtifacts(makeArtifacts({ ...prepared, ...measured }, context), store);
  const { input, outputs: nodes } = request.opened;
  exporting.logAtEnd(`Input node: ${input}`);
  exporting.logAtEnd(`Output node(s): [${nodes.map((name) => `'${name}'`).join(', ')}]`);
  if (written) {
    exporting.logAtEnd(`Engine was saved into ${values.engine_file}`);
    if (values.deployment) await writeEngineDeployment(wanted, written, exporting);
  }
  await outputs.publish();
  for (const message of messages) context.log('INFO', message);
};

/** Makes the cipher of `--codec_command`; undefined without that flag. @throws UserError Usage, CodecFailed, WrongKey */
const makeCipher = async (
  { codec_command: text }: ExportValues,
  key: string,
  { signal, log }: ToolContext,
): Promise<Cipher | undefined> => {
  if (text === undefined) return undefined;
  const { createVerifiedCodec } = await import('../../formats/crypto/external/codec.ts');
  const warn = (line: string) => log('WARNING', line);
  return createVerifiedCodec({ command: parseCommand(text), signal, warn }, key);
};
