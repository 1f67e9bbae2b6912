/**
 * One export, from an opened model to its artifacts. All checks run before the first artifact. Artifacts are data: the
 * caller stores each under its own name and returns the stored file.
 */
import { beginEncrypting } from '../../formats/crypto/encrypted-model.ts';
import { writeDistributions } from '../../formats/scales/tensor-distributions.ts';
import type { FileContent } from '../../ground/base/whole-file.ts';
import type { Algorithm } from '../../ground/contract/architectures.ts';
import { nameFields } from '../../ground/contract/fields.ts';
import type { LayerCosts } from '../report/layer-costs.ts';
import type { ReportFile, TriedLever } from '../report/report.ts';
import { requireAgreement } from './agreement-gate.ts';
import { compareWithFloat, type FloatComparison } from './comparison.ts';
import { findDistributions } from './distributions.ts';
import { countVerified, encryptOpenedModel, makeVerificationTensor } from './export.ts';
import { checkKeptFloat } from './kept-float.ts';
import { applyLevers, type LeveredExport } from './lever-step.ts';
import { floatNotes, makeReport } from './report.ts';
import type { ExportPorts, ExportRequest } from './request.ts';
import { type ExportScales, findScales, type ScalesFound } from './scales-step.ts';
import { measureSensitivity, sensitivityText } from './sensitivity.ts';
import { checkExport, type ExportVerdict, warningsOf } from './verdict.ts';
import type { PrecisionLatency } from './verify-int8.ts';

/** Origin of a calibration cache. */
export type CacheFacts = {
  readonly algorithm: Algorithm | 'Trained';
  readonly tensors: number;
  /** 0 for scales from training. */
  readonly images: number;
};

/** One artifact, not stored yet. */
export type ExportArtifact = { readonly content: FileContent } & (
  | { readonly role: 'calibrationCache'; readonly facts: CacheFacts }
  | {
      readonly role:
        | 'tensorScales'
        | 'etlt'
        | 'codecEtlt'
        | 'distributions'
        | 'verification'
        | 'deployment'
        | 'report'
        | 'reportPage';
    }
);

/** Result of the checks. */
export type ExportOutcome = {
  readonly verdict: ExportVerdict;
  /** Undefined for fp32 and fp16. */
  readonly quantised: ExportScales | undefined;
};

/** An export that passed all checks. Nothing is stored yet. */
export type PreparedExport = ExportOutcome & {
  /** What was requested, with the equalised model if there is one. */
  readonly request: ExportRequest;
  readonly found: ScalesFound;
  readonly sensitivity: LayerCosts | undefined;
  /** int8 compared with float; undefined if nothing needs it. */
  readonly comparison: FloatComparison | undefined;
  /** What became of the changes that the export asked to be tried, in sentences without a full stop. */
  readonly leverNotes: readonly string[];
  /** Changes of graph and thresholds that were tried for int8. */
  readonly levers: readonly TriedLever[];
  /** The engine, if it was built before the artifacts are stored. */
  readonly engine?: MeasuredEngine;
};

/** What the report takes from the build of an engine on this machine. */
export type MeasuredEngine = {
  /** Undefined unless the build measured int8 and float. */
  readonly latency: PrecisionLatency | undefined;
  /** Sentences. */
  readonly notes: readonly string[];
};

/** Finds the scales and runs every check, while another thread derives the keys of the files. @throws UserError as `findScales`, `judgeExport`, `requireAgreement`, `sensitivityOf` */
export const prepareExport = async (asked: ExportRequest, ports: ExportPorts): Promise<PreparedExport> => {
  checkKeptFloat(asked, ports);
  const etlts = asked.etlts.map(({ role, options }) => ({
    role,
    options: beginEncrypting(asked.key, options),
  }));
  const scales = await findScales(asked, ports);
  const { opened, quantised, leverNotes, levers } = await applyLevers(asked, scales.quantised, ports);
  const request = { ...asked, opened, etlts };
  const found = { ...scales, quantised };
  const verdict = await judge(request, { quantised, leverNotes }, ports);
  const comparison = await compare(request, quantised, ports);
  const sensitivity = quantised && (await gate(request, { quantised, comparison }, ports));
  return { request, found, quantised, verdict, comparison, sensitivity, leverNotes, levers };
};

/**
 * Yields the artifacts, the report last. Expects each artifact's stored file as the argument of `next`, for the report.
 */
export async function* makeArtifacts(
  prepared: PreparedExport,
  ports: ExportPorts,
): AsyncGenerator<ExportArtifact, void, ReportFile> {
  const { request, found, quantised } = prepared;
  const { opened, key, etlts } = request;
  const files: ReportFile[] = [];
  if (quantised?.origin === 'ExistingCache') files.push(quantised.existing.file);
  for (const artifact of scaleArtifacts(found, request)) files.push(yield artifact);
  for (const { role, options } of etlts)
    files.push(yield { role, content: await encryptOpenedModel(opened, key, options) });
  const tensor =
    quantised && request.wantsVerification && (await makeVerificationTensor(opened, quantised.heldOut));
  if (tensor) files.push(yield { role: 'verification', content: tensor });
  if (request.wantsVerification && quantised?.origin === 'Calibration')
    files.push(
      yield { role: 'distributions', content: writeDistributions(findDistributions(quantised.calibration)) },
    );
  if (request.deployment !== undefined) files.push(yield { role: 'deployment', content: request.deployment });
  if (request.wantsReport) yield* reportArtifacts({ ...prepared, files }, ports);
}

const judge = async (
  request: ExportRequest,
  { quantised, leverNotes }: Pick<LeveredExport, 'quantised' | 'leverNotes'>,
  { log, signal }: ExportPorts,
): Promise<ExportVerdict> => {
  const checked = await checkExport(request.opened, {
    dataType: request.dataType,
    scales: quantised?.scales,
    isTrained: quantised?.origin === 'Training',
    keepFloat: quantised ? request.keepFloat : [],
    heldOut: quantised?.heldOut ?? [],
    requireInt8: request.int8?.requireInt8 ?? false,
    signal,
  });
  const notes = [...leverNotes.map((text) => ({ text, isWarning: false })), ...checked.notes];
  for (const { isWarning, text } of notes) log(isWarning ? 'WARNING' : 'INFO', text);
  return { ...checked, notes };
};

const compare = async (
  { opened, wantsReport, buildsEngine, int8 }: ExportRequest,
  quantised: ExportScales | undefined,
  { signal }: ExportPorts,
): Promise<FloatComparison | undefined> => {
  if (quantised === undefined || !(wantsReport || int8?.minAgreement !== undefined)) return undefined;
  const { scales, heldOut } = quantised;
  const kept = buildsEngine ? countVerified(opened, heldOut) : 0;
  return compareWithFloat(opened, { scales, heldOut, kept, signal });
};

/** Runs the accuracy gate, then measures the sensitivity of each layer if requested. */
const gate = async (
  { opened, int8 }: ExportRequest,
  { quantised, comparison }: { readonly quantised: ExportScales } & Pick<PreparedExport, 'comparison'>,
  ports: ExportPorts,
): Promise<LayerCosts | undefined> => {
  const gated = quantised.origin === 'Calibration' ? quantised.calibration.calibrated : quantised;
  await requireAgreement(opened, {
    quantised: gated,
    comparison,
    least: int8?.minAgreement,
    watch: ports,
  });
  if (!int8?.sensitivity || quantised.origin === 'ExistingCache') return undefined;
  const costs = await measureSensitivity(opened, { ...gated, watch: ports });
  ports.log('INFO', sensitivityText(costs));
  return costs;
};

function* scaleArtifacts(
  { trained, quantised }: ScalesFound,
  { wantsTensorScales }: ExportRequest,
): Generator<ExportArtifact, void, void> {
  if (quantised?.origin === 'Calibration') {
    const { calibrated, algorithm } = quantised.calibration;
    const { cache, scales, statistics } = calibrated;
    const facts = { algorithm, tensors: scales.size, images: statistics.images };
    yield { role: 'calibrationCache', content: cache, facts };
  }
  if (quantised?.origin === 'Training') {
    const { cache, scales } = quantised.trained;
    yield {
      role: 'calibrationCache',
      content: cache,
      facts: { algorithm: 'Trained', tensors: scales.size, images: 0 },
    };
  }
  if (trained && wantsTensorScales) yield { role: 'tensorScales', content: trained.json };
}

type ReportInput = PreparedExport & { readonly files: readonly ReportFile[] };

async function* reportArtifacts(
  { request, quantised, verdict, comparison, sensitivity, leverNotes, levers, engine, files }: ReportInput,
  { clock, signal }: ExportPorts,
): AsyncGenerator<ExportArtifact, void, ReportFile> {
  const { opened, architecture, dataType, source, keepFloat, audience } = request;
  const { json, page } = await makeReport({
    architecture,
    dataType,
    source,
    opened,
    calibration: quantised?.origin === 'Calibration' ? quantised.calibration : undefined,
    ...(quantised?.origin === 'Training' && { trained: quantised }),
    comparison,
    levers,
    files,
    notes: [
      ...(quantised ? floatNotes(keepFloat) : []),
      ...originNotes(request, quantised),
      ...leverNotes.map((note) => `${note}.`),
      ...warningsOf(verdict),
      ...(engine?.notes ?? []),
    ],
    latency: engine?.latency,
    sensitivity,
    int8: verdict.int8,
    clock,
    signal,
  });
  yield { role: 'report', content: nameFields(json, audience) };
  yield { role: 'reportPage', content: nameFields(page, audience) };
}

const originNotes = ({ dataType }: ExportRequest, quantised: ExportScales | undefined): string[] => {
  if (quantised === undefined) return [`No calibration: the export is for ${dataType}.`];
  if (quantised.origin !== 'ExistingCache') return [];
  return [
    `The scales come from the existing calibration cache ${quantised.existing.file.name}, so no tensor statistics or images are available. Remove the cache to calibrate again.`,
  ];
};

/** Stores each artifact with `store`, which returns the stored file. */
export const storeArtifacts = async (
  artifacts: AsyncGenerator<ExportArtifact, void, ReportFile>,
  store: (artifact: ExportArtifact) => Promise<ReportFile>,
): Promise<void> => {
  let step = await artifacts.next();
  while (!step.done) step = await artifacts.next(await store(step.value));
};
