/**
 * The last question before anything is stored: does the exported graph compute what the model computes that was given?
 * A file that goes into the `.etlt` as it is needs no answer. Of a model that was trained with quantisation, "the same"
 * means the same but for rounding: each of its pairs gives what a Clip to the ends of its integers gives, within half a
 * step, and the export agrees with the model that has such Clips in place of its pairs. The graph that int8 engines start
 * from, with batch norms folded, is held against the exported one.
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

export type GraphCheck = {
  readonly dataType: DataType;
  /** Images that calibration did not see; synthetic pictures take their place where there are none. */
  readonly heldOut: readonly SampledImage[];
  readonly signal: AbortSignal;
};

/** What a log says of a check; undefined where the file is exported as it was given. */
export type CheckNote = { readonly text: string; readonly isWarning: boolean };

/** Enough to see a graph that computes something else, few enough to cost a second. */
const mostImages = 4;

type Subject = { readonly what: string; readonly reference: ModelProto; readonly other: ModelProto };

/** @throws UserError ExportDiffers, ImageInvalid */
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
        text: `Not compared with the model given: ${what}. ONNX Runtime cannot run the model given. ${difference.message}`,
      };
    if (difference.kind === 'Differs') throw differs(what, images, difference.text);
  }
  const named = subjects.map(({ what }) => what).join(', ');
  return { isWarning: false, text: `Compared with the model given, on ${images}, and the same: ${named}` };
};

const listSubjects = (opened: OpenedModel, dataType: DataType): readonly Subject[] => {
  const { model, quantised, rewritten } = opened;
  const subjects: Subject[] = [];
  if (rewritten)
    subjects.push({
      what: 'the graph as it is written',
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
  return subjects;
};

const collectBatches = async (
  opened: OpenedModel,
  { heldOut }: GraphCheck,
): Promise<{ readonly batches: readonly Batch[]; readonly images: string }> => {
  const wanted = opened.fixedBatch ?? mostImages;
  const found: Batch[] = [];
  for await (const batch of batchHeldOut(opened, heldOut.slice(0, wanted)) ?? []) found.push(batch);
  const count = found.reduce((sum, { paths }) => sum + paths.length, 0);
  if (count > 0) return { batches: found, images: `${count} images kept out of calibration` };
  return {
    batches: [probeBatch(opened, wanted)],
    images: `${wanted} synthetic pictures, for there are no images that calibration did not see`,
  };
};

const differs = (what: string, images: string, found: string): UserError =>
  new UserError(
    'ExportDiffers',
    `Comparing graphs: ${what} does not compute what the model given computes. On ${images}, ${found}. Nothing was stored. Export the float model of the training, or report this with the model.`,
  );
