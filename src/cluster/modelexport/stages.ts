/** The stages of one ModelExport. Actions and status are derived from them. */
import type { EngineStage } from './engine-stage.ts';
import type { ExportStage } from './export-stage.ts';

/** The export, and the engines in the order of spec.deviceClasses. */
export type Stages = { readonly exported: ExportStage; readonly engines: readonly EngineStage[] };
