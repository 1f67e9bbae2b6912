/** `tlt-export --sensitivity`: what each layer costs, told in the log. */
import type { OpenedModel } from '../../export/models/open-model.ts';
import type { Judged } from '../../export/pipeline/agreement-gate.ts';
import { sensitivityOf, sensitivityText } from '../../export/pipeline/sensitivity.ts';
import type { LayerCosts } from '../../export/report/layer-costs.ts';
import type { ToolCalibration } from './tool-calibration.ts';

/** Undefined if it is not asked for. @throws UserError as `sensitivityOf` */
export const toldSensitivity = async (
  opened: OpenedModel,
  { values, world }: Pick<ToolCalibration, 'values' | 'world'>,
  judged: Judged,
): Promise<LayerCosts | undefined> => {
  if (!values.sensitivity) return undefined;
  const costs = await sensitivityOf(opened, { ...judged, watch: world });
  world.log('INFO', sensitivityText(costs));
  return costs;
};
