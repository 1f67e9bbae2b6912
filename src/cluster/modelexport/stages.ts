/** Where everything of one ModelExport stands: what decisions and status are made from. */
import type { EngineStage } from './engine-stage.ts';
import type { ExportStage } from './export-stage.ts';

export type Stages = { readonly exported: ExportStage; readonly engines: readonly EngineStage[] };
