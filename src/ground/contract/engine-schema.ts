/** Schemas of what is known of an engine: runtime, latency, evidence of its build, agreement with float. */
import { decimal, integer, object, oneOf, text } from './schema.ts';

/** Name and version of the runtime of an engine. */
export const runtime = object(
  'Runtime of the engine.',
  {
    name: text('Engine backend.', { maxLength: 64 }),
    version: text(
      'Version of the runtime. Unless the vendor says otherwise, the engine runs only on this version.',
      {
        maxLength: 64,
      },
    ),
  },
  { required: ['name', 'version'] },
);

/** Latency of an engine, in microseconds. */
export const latency = object(
  'Inference latency, measured on the machine that built the engine.',
  {
    p50Microseconds: integer('Median at batch 1, in microseconds.', { format: 'int64', minimum: 0 }),
    floatP50Microseconds: integer(
      'The same for the float graph on the same machine. Only for int8 engines of OnnxRuntime.',
      { format: 'int64', minimum: 0 },
    ),
  },
  { required: ['p50Microseconds'] },
);

/** Integer operators of an engine. */
export const integerOperators = integer(
  'Number of operators that the engine computes with integers, read from its optimised graph. Only for int8 engines of OnnxRuntime.',
  { minimum: 0 },
);

/** What was stored where the fastest engine is preferred. */
export const chosen = object(
  'Which of int8 and float was stored. Only for int8 engines of classes with engine.prefer: Fastest.',
  {
    dataType: oneOf(['fp32', 'int8'], 'Precision of the stored engine.'),
    because: text('Why, in a sentence with both latencies or the accuracy.', { maxLength: 256 }),
  },
  { required: ['dataType', 'because'] },
);

const count = (description: string) => integer(description, { minimum: 0 });

/** What the TensorRT driver proved of an engine. */
export const evidence = object('Evidence of a TensorRT build, checked before the engine was stored.', {
  scalesUsed: count('Scales that the network took: dynamic ranges, or quantisers of the graph.'),
  scalesGiven: count('Scales that it was given; those of tensors that it does not have are not used.'),
  dlaLayersOnGpu: count('Layers that the accelerator cannot run.'),
  layers: object(
    'Layers of the engine by precision, as the engine inspector reports them. Only if the engine was loaded on a GPU.',
    {
      int8: count('Layers in int8.'),
      fp16: count('Layers in fp16.'),
      bf16: count('Layers in bf16.'),
      fp32: count('Layers in fp32.'),
      other: count('Layers of indices and other types.'),
    },
  ),
});

/** Accuracy of an engine against the float model. */
export const agreement = object(
  'Agreement of the engine with the float model on held-out images.',
  {
    images: integer('Number of compared images.', { minimum: 0 }),
    sqnrDb: decimal('Signal-to-quantisation-noise ratio (SQNR) of the outputs, in decibel.'),
    top1: decimal('Share of images with the same top-1 class, 0 to 1. Only for classifiers.'),
    matchedBoxes: decimal(
      'Share of boxes that both models find, 0 to 1. Only for detectors with a list of boxes.',
    ),
  },
  { required: ['images', 'sqnrDb'] },
);
