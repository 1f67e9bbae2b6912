/** The command line that `convert` reads. */
import type { Architecture } from '../../ground/contract/architectures.ts';
import type { ExportValues } from '../../ground/contract/flags.ts';
import type { ModelSettings } from '../../ground/contract/model-settings.ts';

/** A parsed command line of `tlt-export`. */
export type ExportLine = {
  readonly architecture: Architecture;
  readonly values: ExportValues;
  readonly settings: ModelSettings;
  readonly keepFloat: readonly string[];
};
