/** Calibration step of an export: a pass over the data, or thresholds from histograms of an earlier pass. */
import { type HistogramFile, writeHistogramFile } from '../../formats/scales/histogram-file.ts';
import { describeInfinite } from '../../graph/precision/scaled-tensors.ts';
import { UserError } from '../../ground/base/errors.ts';
import { field } from '../../ground/contract/fields.ts';
import { addParts } from './calibration-parts.ts';
import { digestOfSource, nameOfSource } from './calibration-source.ts';
import { countImages, isOfSameData } from './count-images.ts';
import { buildCache } from './export.ts';
import { calibrateFromHistograms, isCountedFrom } from './histograms.ts';
import type { CalibrationDone } from './report.ts';
import type { ExportPorts, ExportRequest, HistogramStore, Int8Request } from './request.ts';

/** @throws UserError as `measure` and `calibrateFromHistograms`, CalibrationSourceMissing */
export const calibrateModel = async (
  request: ExportRequest,
  int8: Int8Request,
  ports: ExportPorts,
): Promise<CalibrationDone> => {
  const done =
    (await reuseHistograms(request, int8, ports)) ??
    (await calibrateFromParts(request, int8, ports)) ??
    (await calibrateOnData(request, int8, ports));
  for (const note of describeInfinite(done.calibrated.statistics.infinite)) ports.log('WARNING', note);
  return done;
};

const calibrateOnData = async (
  request: ExportRequest,
  int8: Int8Request,
  ports: ExportPorts,
): Promise<CalibrationDone> => {
  const named = int8.source();
  const startedMs = ports.clock.now();
  const { measurement, counting } = await countImages(request, int8, ports, named);
  const passSeconds = (ports.clock.now() - startedMs) / 1000;
  const calibrated = buildCache(request.opened, measurement, counting);
  const { algorithm, seed } = counting;
  const imagesSha256 = named.sha256 ?? (await digestOfSource(named.source, counting));
  return { calibrated, algorithm, seed, source: named.name, imagesSha256, passSeconds };
};

/** Calibrates from the sum of all parts; undefined if the sample has none. */
const calibrateFromParts = async (
  request: ExportRequest,
  int8: Int8Request,
  ports: ExportPorts,
): Promise<CalibrationDone | undefined> => {
  const { histograms, parts } = int8;
  if (histograms === undefined || parts === undefined) return undefined;
  const content = await addParts(request, { int8, parts }, ports);
  // Stored before the accuracy gate, so that choosing another algorithm later needs no new pass.
  if (await histograms.write(writeHistogramFile(content))) await parts.clear();
  const images = content.samples.reduce((sum, sample) => sum + sample.images, 0);
  ports.log('INFO', `Added the histograms of ${parts.of} parts: ${images} images.`);
  return calibrateFromContent(request, { int8, histograms, content }, ports);
};

/** Calibrates from existing histograms; undefined if there are none, or if they do not match. */
const reuseHistograms = async (
  request: ExportRequest,
  int8: Int8Request,
  ports: ExportPorts,
): Promise<CalibrationDone | undefined> => {
  const { histograms } = int8;
  if (histograms === undefined) return undefined;
  if (histograms.owner === 'User') {
    const content = await histograms.read();
    return content && (await calibrateFromStore(request, { int8, histograms, content }, ports));
  }
  try {
    const content = await histograms.read();
    if (content === undefined || !(await isOfSameData(request, int8, content))) return undefined;
    return await calibrateFromStore(request, { int8, histograms, content }, ports);
  } catch (thrown) {
    if (!(thrown instanceof UserError) || thrown.reason !== 'HistogramsInvalid') throw thrown;
    ports.log('WARNING', `Calibrating again. ${thrown.message}`);
    return undefined;
  }
};

type ReusedHistograms = {
  readonly int8: Int8Request;
  readonly histograms: HistogramStore;
  readonly content: HistogramFile;
};

const calibrateFromStore = async (
  request: ExportRequest,
  reused: ReusedHistograms,
  ports: ExportPorts,
): Promise<CalibrationDone> => {
  const done = await calibrateFromContent(request, reused, ports);
  const { histograms, content } = reused;
  ports.log('WARNING', reusedText(done.calibrated.statistics.images, histograms.name, content));
  return done;
};

const calibrateFromContent = async (
  request: ExportRequest,
  { int8, histograms, content }: ReusedHistograms,
  ports: ExportPorts,
): Promise<CalibrationDone> => {
  const { opened, keepFloat, tensorRtVersion } = request;
  const { calibration, minAgreement } = int8;
  const source = histograms.owner === 'User' ? histograms.drawnFrom : int8.source().source;
  const reuse = { ...calibration, path: histograms.name, source, keepFloat, tensorRtVersion };
  const calibrated = await calibrateFromHistograms(opened, content, reuse);
  if (minAgreement !== undefined && calibrated.heldOut.length === 0)
    throw unknownHeldOutImages(histograms.name);
  if (source && !(await isCountedFrom(opened, content, { ...reuse, source })))
    ports.log('WARNING', otherDataText(histograms.name, nameOfSource(source)));
  const [sample] = content.samples;
  const named = histograms.owner === 'Reuse' ? int8.source() : undefined;
  return {
    calibrated,
    algorithm: calibration.algorithm,
    seed: sample?.seed ?? calibration.seed,
    source: named?.name ?? histograms.name,
    imagesSha256: named?.sha256 ?? sample?.dataSha256 ?? '',
    passSeconds: undefined,
  };
};

const reusedText = (images: number, name: string, { samples }: HistogramFile): string => {
  const parts = samples.flatMap(({ part, of }) => (of === 1 ? [] : [`${part}/${of}`]));
  const partial = parts.length === 0 ? '' : ` They cover only a part of the images (${parts.join(', ')}).`;
  return `Histograms of ${images} images exist at ${name}. Using them; no image was read.${partial}`;
};

const otherDataText = (name: string, source: string): string =>
  `The histograms ${name} were counted on other data than ${source} with this ${field('batches')}, ${field('batchSize')} and seed. To calibrate on these data, choose another file with ${field('histograms')}.`;

const unknownHeldOutImages = (name: string): UserError =>
  new UserError(
    'Usage',
    `Comparing int8 with float: it is unknown which images the histograms ${name} do not include. Set the ${field('imageDirectory')}, ${field('batches')}, ${field('batchSize')} and seed of that calibration, or omit ${field('minAgreement')}.`,
  );
