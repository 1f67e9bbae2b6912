/** What engines of ONNX Runtime choose their scales from: distributions of a calibration, and a few held-out images. */
import { scalesOf } from '../../calibration/histograms/statistics.ts';
import { isSearch } from '../../calibration/histograms/thresholds.ts';
import {
  addMethod,
  type Extent,
  type TensorDistributions,
} from '../../formats/scales/tensor-distributions.ts';
import type { OpenedModel } from '../models/open-model.ts';
import { makeVerificationTensor } from './export.ts';
import type { CalibrationDone } from './report.ts';
import type { ExportScales } from './scales-step.ts';

/** `Auto` takes one of them for each tensor. */
const methods = ['Entropy', 'MinMax', 'Percentile', 'Mse'] as const;

/** The distributions of tensors with a scale. Searches for no threshold that the calibration did not need. */
export const findDistributions = ({ calibrated, algorithm }: CalibrationDone): TensorDistributions => {
  const { statistics, scales } = calibrated;
  const known = methods.filter((method) => statistics.thresholds !== undefined || !isSearch(method));
  const others = known.filter((method) => method !== algorithm);
  return {
    extents: new Map([...statistics.histograms].flatMap(([name, { min, max }]) => extentOf(name, min, max))),
    scales: new Map(
      others.map((method) => [
        method,
        new Map([...scalesOf(statistics, method)].filter(([name]) => scales.has(name))),
      ]),
    ),
  };
};

/** A tensor of which nothing was counted has none. */
const extentOf = (name: string, low: number, high: number): readonly (readonly [string, Extent])[] =>
  low <= high && Number.isFinite(high - low) ? [[name, { low, high }]] : [];

/** The choice of an engine that is built right after the export; undefined without held-out images. */
export const findScaleChoice = async (opened: OpenedModel, quantised: ExportScales) => {
  if (quantised.origin !== 'Calibration') return undefined;
  const images = await makeVerificationTensor(opened, quantised.heldOut);
  const found = findDistributions(quantised.calibration);
  return images && { distributions: addMethod(found, quantised.scales), images };
};
