/** Which of a graph's outputs hold detections, and which grids of boxes and coverage, by whatever names. */

/** [N,1,K,7]: image, label, score and box. */
type Rows = { readonly rows: string };
/** [N,K,4], [N,K] and [N,K]. */
type Columns = { readonly boxes: string; readonly scores: string; readonly labels: string };

export type OutputRoles = {
  readonly detections?: Rows | Columns;
  /** In any order: four planes of boxes stand for one of coverage, on the same grid. */
  readonly grids?: readonly [string, string];
};
