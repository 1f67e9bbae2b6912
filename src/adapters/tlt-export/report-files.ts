/** `tlt-export --report FILE.html`: the page, and its numbers beside it as FILE.json. */
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { SampledImage } from '../../data/preprocessing/sampled-image.ts';
import type { OpenedModel } from '../../export/models/open-model.ts';
import { type CalibrationDone, floatNotes, makeReport } from '../../export/pipeline/report.ts';
import { type Verdict, warningsOf } from '../../export/pipeline/verdict.ts';
import type { LayerCosts } from '../../export/report/layer-costs.ts';
import type { ReportFile } from '../../export/report/report.ts';
import { sha256 } from '../../ground/base/digest.ts';
import { refuseToOverwrite, requireWritableFolder } from '../../ground/base/whole-file.ts';
import type { Architecture } from '../../ground/contract/architectures.ts';
import type { ExportValues } from '../../ground/contract/flags.ts';
import { keptFloat } from './kept-float.ts';
import type { ExportWorld } from './tool-world.ts';

/** What an export is known by once nothing can refuse it any more. */
export type Judged = { readonly quantised: Quantised | undefined; readonly verdict: Verdict };

export type Quantised = {
  readonly scales: ReadonlyMap<string, number>;
  /** Undefined where the scales came from a cache that was there already. */
  readonly calibration: CalibrationDone | undefined;
  /** Where the scales came from training with quantisation: the images to compare on. */
  readonly trained?: { readonly kept: readonly SampledImage[] };
  /** What each layer costs, where that was asked for. */
  readonly sensitivity?: LayerCosts | undefined;
};

export type ReportedExport = {
  readonly opened: OpenedModel;
  readonly architecture: Architecture;
  readonly values: ExportValues;
  /** Path of the `.etlt`. */
  readonly output: string;
  readonly quantised: Quantised | undefined;
  readonly verdict: Verdict;
  readonly world: ExportWorld;
};

/** @throws UserError OutputExists, OutputUnwritable */
export const refuseReportFiles = async (page: string): Promise<void> => {
  for (const path of [page, numbersOf(page)]) {
    await refuseToOverwrite(path);
    await requireWritableFolder(path);
  }
};

/** @throws UserError OutputExists, OutputUnwritable, DiskFull, ImageInvalid */
export const writeReportFiles = async (page: string, exported: ReportedExport): Promise<void> => {
  const { opened, architecture, values, quantised, verdict, world } = exported;
  const texts = await makeReport({
    architecture,
    dataType: values.data_type,
    source: values.model,
    opened,
    calibration: quantised?.calibration,
    ...(quantised?.trained && { trained: { ...quantised.trained, scales: quantised.scales } }),
    files: await filesOf(exported),
    notes: notesOf(exported),
    sensitivity: quantised?.sensitivity,
    int8: verdict.int8,
    clock: world.clock,
    signal: world.signal,
  });
  await world.outputs.write(numbersOf(page), texts.json);
  await world.outputs.write(page, texts.page);
  world.logAtEnd(`Report was saved into ${page}, its numbers into ${numbersOf(page)}`);
};

const numbersOf = (page: string): string => `${page.replace(/\.html$/, '')}.json`;

const filesOf = ({ output, quantised, values, world }: ReportedExport): Promise<ReportFile[]> => {
  const paths = quantised ? [output, values.cal_cache_file] : [output];
  return Promise.all(
    paths.map(async (path) => {
      const bytes = await readFile(world.outputs.placeOf(path));
      return { name: basename(path), sha256: sha256(bytes), sizeBytes: bytes.length };
    }),
  );
};

const notesOf = (exported: ReportedExport): string[] => [
  ...(exported.quantised ? floatNotes(keptFloat(exported.values)) : []),
  ...originNotes(exported),
  ...warningsOf(exported.verdict),
];

const originNotes = ({ values, quantised }: ReportedExport): string[] => {
  if (quantised?.calibration || quantised?.trained) return [];
  if (quantised)
    return [
      `The scales came from the calibration cache ${values.cal_cache_file} that was there already, so there is nothing to tell of tensors and images. Remove the cache to calibrate anew.`,
    ];
  return [`Nothing was calibrated: the export is for ${values.data_type}.`];
};
