/** `tlt-export`: flags → files, with TLT's own log lines. Outputs appear whole or not at all; nothing is overwritten. */
import { openModel } from '../../export/models/open-model.ts';
import { makeArtifacts, prepareExport, storeArtifacts } from '../../export/pipeline/artifacts.ts';
import type { Cipher } from '../../formats/crypto/encrypted-model.ts';
import { createVerifiedCodec } from '../../formats/crypto/external/codec.ts';
import { readKey } from '../../formats/crypto/key.ts';
import { describeIntegerOperators } from '../../graph/precision/foreign-quantisers.ts';
import { makeOutputs } from '../../ground/base/whole-file.ts';
import type { Architecture } from '../../ground/contract/architectures.ts';
import type { ExportValues } from '../../ground/contract/flags.ts';
import { exportProgram } from '../../ground/contract/programs.ts';
import { parseCommandLine } from '../cli/command-line.ts';
import { commandWords } from '../cli/command-words.ts';
import { artifactWriter, pathsOf } from './artifact-files.ts';
import { buildEngineFile, refuseGraph } from './build-engine.ts';
import { countPart } from './count-part.ts';
import { checkEarly } from './early-checks.ts';
import { exportRequest } from './export-request.ts';
import { modelSettingsOf } from './model-flags.ts';
import { trainingOf } from './tool-source.ts';
import type { ToolWorld } from './tool-world.ts';

/** @throws UserError with the reason that becomes the exit status */
export const runExportCommand = async (argv: readonly string[], world: ToolWorld): Promise<void> => {
  const line = parseCommandLine(exportProgram, argv);
  if (line.help !== undefined) return world.print(line.help);
  const architecture = line.operands[0] as Architecture;
  const { values } = line;
  const settings = modelSettingsOf(values);
  const training = await trainingOf(architecture, values, world);
  await checkEarly(architecture, values, training);
  const key = await readKey({ key: values.key, keyFile: values.key_file, env: world.env });
  world.log('INFO', `Loading model from ${values.model}`);
  const cipher = await codecOf(values, key, world);
  const spec = training?.spec;
  const opened = await openModel({ path: values.model, key, architecture, cipher, spec, settings });
  const note = values.data_type === 'int8' ? describeIntegerOperators(opened.model) : undefined;
  if (note !== undefined) world.log('WARNING', note);
  if (values.engine_file !== undefined) refuseGraph(opened, values);
  const request = exportRequest(values, { opened, architecture, key, cipher, training, world });
  if (values.cal_part !== undefined) return countPart(request, world);
  await writeFiles(request, values, world);
};

const writeFiles = async (
  request: ReturnType<typeof exportRequest>,
  values: ExportValues,
  world: ToolWorld,
): Promise<void> => {
  await using outputs = makeOutputs();
  const messages: string[] = [];
  const exporting = { ...world, outputs, logAtEnd: (message: string) => void messages.push(message) };
  const store = artifactWriter(pathsOf(values), exporting);
  const prepared = await prepareExport(request, world);
  await storeArtifacts(makeArtifacts(prepared, world), store);
  const { input, outputs: nodes } = request.opened;
  exporting.logAtEnd(`Input node: ${input}`);
  exporting.logAtEnd(`Output node(s): [${nodes.map((name) => `'${name}'`).join(', ')}]`);
  if (values.engine_file !== undefined)
    await buildEngineFile(request.opened, {
      values,
      scales: prepared.quantised?.scales,
      trained: prepared.quantised?.origin === 'Training',
      world: exporting,
    });
  await outputs.publish();
  for (const message of messages) world.log('INFO', message);
};

/** Undefined: age. @throws UserError Usage, CodecFailed, WrongKey */
const codecOf = async (
  { codec_command: text }: ExportValues,
  key: string,
  { signal, log }: ToolWorld,
): Promise<Cipher | undefined> => {
  if (text === undefined) return undefined;
  const warn = (line: string) => log('WARNING', line);
  return createVerifiedCodec({ command: commandWords(text), signal, warn }, key);
};
