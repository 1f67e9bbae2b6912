/** Counts calibration images into histograms, which are stored for later exports of the same data. */
import type { HistogramFile } from '../../formats/scales/histogram-file.ts';
import { type CalibrationRequest, type Measurement, measure } from './export.ts';
import { histogramBytes, isSameCalibration } from './histograms.ts';
import type { ExportPorts, ExportRequest, Int8Request, NamedSource } from './request.ts';

/** Counts the images of the source, or of a part of it, and stores the histograms. @throws UserError as `measure` */
export const countImages = async (
  request: ExportRequest,
  { calibration, histograms }: Int8Request,
  ports: ExportPorts,
  { source }: NamedSource,
): Promise<{ readonly measurement: Measurement; readonly counting: CalibrationRequest }> => {
  const { opened, keepFloat, tensorRtVersion, wantsReport } = request;
  const counting = { ...calibration, source, keepFloat, tensorRtVersion, reported: wantsReport };
  if (source.kind === 'Loader')
    ports.log('INFO', `Calibrating on the training images with the data loader of ${source.name}`);
  const measurement = await measure(opened, { request: counting, watch: ports });
  if (source.kind === 'TensorfileOfImages')
    ports.log('INFO', `Calibration tensorfile was saved into ${source.path}`);
  // Stored before the accuracy gate, so that choosing another algorithm later needs no new pass.
  if (histograms) {
    await histograms.write(await histogramBytes(opened, measurement, counting));
    ports.log('INFO', savedText(histograms.name, measurement, counting));
  }
  return { measurement, counting };
};

const savedText = (name: string, { counted }: Measurement, { part }: CalibrationRequest): string =>
  `Histograms of ${counted.histograms.size} tensors from ${counted.images} images${part ? ` (part ${part.part} of ${part.of})` : ''} were saved into ${name}`;

/** Whether the file equals what calibrating on all of the requested data would produce. */
export const isOfSameData = (
  { opened }: ExportRequest,
  { calibration, source }: Int8Request,
  content: HistogramFile,
): Promise<boolean> => isSameCalibration(opened, content, { ...calibration, source: source().source });
