/** The stages of one ModelExport, from which actions and status are derived. */
import type { EngineStage } from './engine-stage.ts';
import type { ExportStage } from './export-stage.ts';

export type Stages = { readonly exported: ExportStage; readonly engines: readonly EngineStage[] };
