/**
 * Parts of a calibration: several pods count disjoint parts of the same sample, and the sum of their histograms is that of one
 * pass over all of it, bit for bit.
 */
import { HistogramSum } from '../../calibration/histograms/merged-histograms.ts';
import type { SamplePart } from '../../data/preprocessing/sample-part.ts';
import { type HistogramFile, parseHistogramFile } from '../../formats/scales/histogram-file.ts';
import { sha256 } from '../../ground/base/digest.ts';
import { UserError } from '../../ground/base/errors.ts';
import { countImages, isOfSameData } from './count-images.ts';
import { histogramBytes, isOfSample, sampleOf } from './histograms.ts';
import type { ExportPorts, ExportRequest, HistogramStore, Int8Request, PartStores } from './request.ts';

/** What became of a part. */
export type CountedPart = {
  /** Images of the part. */
  readonly images: number;
  /** Duration of the pass over them; undefined if the histograms were stored before. */
  readonly passSeconds: number | undefined;
};

type PartsRequest = { readonly int8: Int8Request; readonly parts: PartStores };

/**
 * Makes sure that the histograms of a part are stored, or those of the whole sample. Stored ones of the same model and data are
 * kept, so nothing is counted twice. @throws UserError as `countImages`
 */
export const countPartOnce = async (
  request: ExportRequest,
  { int8, parts, part }: PartsRequest & { readonly part: number },
  ports: ExportPorts,
): Promise<CountedPart> => {
  const whole = int8.histograms && (await readStored(int8.histograms, ports));
  if (whole && (await isOfSameData(request, int8, whole))) {
    ports.log('INFO', `Histograms of all images exist at ${int8.histograms!.name}; nothing is counted.`);
    return { images: 0, passSeconds: undefined };
  }
  const find = await makePartLookup(request, { int8, parts }, ports);
  const stored = await find(part);
  if (stored) {
    ports.log('INFO', `Histograms of part ${part} of ${parts.of} exist; it is not counted again.`);
    return { images: stored.samples[0]!.images, passSeconds: undefined };
  }
  const startedMs = ports.clock.now();
  const { measurement } = await countPart(request, { int8, parts, part }, ports);
  return { images: measurement.counted.images, passSeconds: (ports.clock.now() - startedMs) / 1000 };
};

/**
 * Adds the histograms of all parts. A part that is missing or damaged is counted here. One part is in memory at a time.
 * @throws UserError as `countImages`
 */
export const addParts = async (
  request: ExportRequest,
  { int8, parts }: PartsRequest,
  ports: ExportPorts,
): Promise<HistogramFile> => {
  const find = await makePartLookup(request, { int8, parts }, ports);
  let sum: HistogramSum | undefined;
  for (let part = 1; part <= parts.of; part++) {
    ports.signal.throwIfAborted();
    const { name } = parts.store(part);
    const content = (await find(part)) ?? (await recount(request, { int8, parts, part }, ports));
    if (sum) sum.add({ name, content });
    else sum = new HistogramSum({ name, content });
  }
  return sum!.content;
};

type PartRequest = PartsRequest & { readonly part: number };

const countPart = (request: ExportRequest, { int8, parts, part }: PartRequest, ports: ExportPorts) => {
  const calibration = { ...int8.calibration, part: { part, of: parts.of } };
  const counted = { ...int8, calibration, histograms: parts.store(part) };
  return countImages(request, counted, ports, int8.source());
};

const recount = async (
  request: ExportRequest,
  which: PartRequest,
  ports: ExportPorts,
): Promise<HistogramFile> => {
  ports.log(
    'WARNING',
    `Histograms of part ${which.part} of ${which.parts.of} are missing: counting it here.`,
  );
  const { measurement, counting } = await countPart(request, which, ports);
  return parseHistogramFile(await histogramBytes(request.opened, measurement, counting));
};

/** A look-up of stored parts. The digest of the data, for which every image is listed, is computed once. */
const makePartLookup = async (
  { opened }: ExportRequest,
  { int8, parts }: PartsRequest,
  ports: ExportPorts,
): Promise<(part: number) => Promise<HistogramFile | undefined>> => {
  const wanted = await sampleOf(opened, { ...int8.calibration, source: int8.source().source });
  const model = sha256(opened.payload);
  return async (part) => {
    const content = await readStored(parts.store(part), ports);
    const isIt =
      content?.modelSha256 === model &&
      isOfSample(content, wanted) &&
      isOnly(content, { part, of: parts.of });
    return isIt ? content : undefined;
  };
};

const isOnly = ({ samples }: HistogramFile, { part, of }: SamplePart): boolean =>
  samples.length === 1 && samples[0]!.part === part && samples[0]!.of === of;

/** A damaged file is counted again, like a missing one. */
const readStored = async (
  { name, read }: HistogramStore,
  { log }: ExportPorts,
): Promise<HistogramFile | undefined> => {
  try {
    return await read();
  } catch (thrown) {
    if (!(thrown instanceof UserError) || thrown.reason !== 'HistogramsInvalid') throw thrown;
    log('WARNING', `${name} is not used. ${thrown.message}`);
    return undefined;
  }
};
