/**
 * The last check before anything is stored: the exported graph must compute what the given model computes. A file that
 * goes into the `.etlt` unchanged needs no check. For a model trained with quantisation, "the same" means up to
 * rounding: each Q/DQ pair must equal a Clip to the ends of its integers within half a step, and the export must agree
 * with the model with such Clips in place of its pairs. The graph of int8 engines, with folded batch norms, is compared
 * with the exported one, unless there is nothing to fold or to raise.
 */
import type { Batch } from '../../data/preprocessing/batches.ts';
import type { SampledImage } from '../../data/preprocessing/sampled-image.ts';
import type { ModelProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { removeRounding } from '../../graph/precision/qat-unrounded.ts';
import { prepareForQdq } from '../../graph/precision/qdq.ts';
import { UserError } from '../../ground/base/errors.ts';
import type { DataType } from '../../ground/contract/architectures.ts';
import type { OpenedModel } from '../models/open-model.ts';
import { compareGraphs } from './graph-difference.ts';
import { requirePairs } from './pair-check.ts';
import { probeBatch } from './probes.ts';
import { batchHeldOut } from './verify-int8.ts';

/** What to check, and on which images. */
export type GraphCheck = {
  readonly dataType: DataType;
  /** Held-out images; synthetic images replace them if there are none. */
  readonly heldOut: readonly SampledImage[];
  readonly signal: AbortSignal;
};

/** Log line of a check. */
export type CheckNote = { readonly text: string; readonly isWarning: boolean };

/** Enough to detect a different function, few enough to take a second. */
const mostImages = 4;

type Subject = { readonly what: string; readonly reference: ModelProto; readonly other: ModelProto };

/** Undefined if nothing is to compare: the file is exported unchanged, and no engine has another graph. @throws UserError ExportDiffers, ImageInvalid */
export const requireSameFunction = async (
  opened: OpenedModel,
  check: GraphCheck,
): Promise<CheckNote | undefined> => {
  const subjects = listSubjects(opened, check.dataType);
  if (subjects.length === 0) return undefined;
  const { batches, images } = await collectBatches(opened, check);
  if (opened.quantised) await requirePairs(opened, batches[0]!);
  for (const { what, reference, other } of subjects) {
    check.signal.throwIfAborted();
    const difference = await compareGraphs({ reference, other, input: opened.input }, batches);
    if (difference.kind === 'NotRun')
      return {
        isWarning: true,
        text: `Not compared with the given model: ${what}. ONNX Runtime cannot run the given model. ${difference.message}`,
      };
    if (difference.kind === 'Differs') throw differs(what, images, difference.text);
  }
  const named = subjects.map(({ what }) => what).join(', ');
  return { isWarning: false, text: `Compared with the given model on ${images}, and equal: ${named}` };
};

/** Graphs that are one object need no comparison. */
const listSubjects = (opened: OpenedModel, dataType: DataType): readonly Subject[] => {
  const { model, quantised, rewritten } = opened;
  const subjects: Subject[] = [];
  if (rewritten)
    subjects.push({
      what: 'the graph as written',
      reference: rewritten,
      other: quantised?.given ?? model,
    });
  if (quantised) {
    const reference = removeRounding(quantised.given, quantised.pairs);
    subjects.push({ what: 'the exported graph', reference, other: model });
  }
  if (dataType === 'int8')
    subjects.push({
      what: 'the graph of int8 engines before rounding',
      reference: model,
      other: prepareForQdq(model),
    });
  return subjects.filter(({ reference, other }) => reference !== other);
};

/** The first held-out images, or synthetic ones, as batches of the graph. */
export const collectBatches = async (
  opened: OpenedModel,
  { heldOut }: Pick<GraphCheck, 'heldOut'>,
): Promise<{ readonly batches: readonly Batch[]; readonly images: string }> => {
  const wanted = opened.fixedBatch ?? mostImages;
  const found: Batch[] = [];
  for await (const batch of batchHeldOut(opened, heldOut.slice(0, wanted)) ?? []) found.push(batch);
  const count = found.reduce((sum, { paths }) => sum + paths.length, 0);
  if (count > 0) return { batches: found, images: `${count} held-out images` };
  return {
    batches: [probeBatch(opened, wanted)],
    images: `${wanted} synthetic images, because there are no held-out images`,
  };
};

const differs = (what: string, images: string, found: string): UserError =>
  new UserError(
    'ExportDiffers',
    `Comparing graphs: ${what} does not compute what the given model computes. On ${images}, ${found}. Nothing was stored. Export the float model of the training, or report this with the model.`,
  );
