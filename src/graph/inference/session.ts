/** Opens and runs models in ONNX Runtime and turns its errors into typed ones. Nothing else calls ONNX Runtime. */
import { messageOf, UserError } from '../../ground/base/errors.ts';
import { InferenceSession, Tensor } from './onnxruntime.ts';

/** float32 values in row-major order with their dimensions. */
export type FloatTensor = { readonly data: Float32Array; readonly dims: readonly number[] };

/** Tensors by name. */
export type FloatTensors = Readonly<Record<string, FloatTensor>>;

/** An input or output of a session. */
export type PortInfo = {
  readonly name: string;
  /** ONNX Runtime's name of the element type, such as float32. */
  readonly type: string;
  /** Sizes; a string names a dynamic dimension. */
  readonly shape: readonly (number | string)[];
};

/** An open model. */
export interface Session {
  readonly inputs: readonly PortInfo[];
  readonly outputs: readonly PortInfo[];
  /** Runs the model and returns the requested float outputs; all of them if `fetches` is undefined. */
  run(feeds: FloatTensors, fetches?: readonly string[]): Promise<Record<string, FloatTensor>>;
  release(): Promise<void>;
}

/** How a model is opened. */
export type SessionOptions = {
  /** `disabled` keeps every tensor, `extended` fuses layers, `all` also changes layouts for this processor. */
  readonly optimisation?: 'disabled' | 'extended' | 'all';
  readonly threads?: number;
  /** Path to write the optimised model to. */
  readonly optimisedModelPath?: string;
  /** Whether weights are also kept in the layout of the kernels; default true. */
  readonly prepacking?: boolean;
  /** Whether memory is kept for the next run; default true. */
  readonly arena?: boolean;
  /**
   * Whether Q/DQ pairs round in float, as they stand, and layers between them multiply floats: what an engine of another runtime
   * computes. By default, ONNX Runtime looks for integer kernels of this processor.
   */
  readonly roundsInFloat?: boolean;
};

/**
 * Converts to ONNX Runtime's options; always the CPU provider. Idle threads do not spin: they would take the processors from other
 * sessions of this process, and from other programs.
 */
export const sessionOptions = (options: SessionOptions): InferenceSession.SessionOptions => {
  const { optimisation = 'all', threads, optimisedModelPath } = options;
  const { prepacking = true, arena = true, roundsInFloat = false } = options;
  return {
    executionProviders: ['cpu'],
    graphOptimizationLevel: optimisation,
    logSeverityLevel: 3,
    enableCpuMemArena: arena,
    enableMemPattern: arena,
    extra: {
      session: {
        ...(!prepacking && { disable_prepacking: '1' }),
        ...(roundsInFloat && { disable_quant_qdq: '1' }),
        intra_op: { allow_spinning: '0' },
      },
    },
    ...(threads !== undefined && { intraOpNumThreads: threads }),
    ...(optimisedModelPath !== undefined && { optimizedModelFilePath: optimisedModelPath }),
  };
};

/**
 * Opens a model.
 * @throws UserError as `createSession`; `run` of the result as `runSession`
 */
export const openSession = async (
  model: Uint8Array | string,
  options: SessionOptions = {},
): Promise<Session> => {
  const session = await createSession(model, sessionOptions(options));
  return {
    inputs: session.inputMetadata.flatMap(portOf),
    outputs: session.outputMetadata.flatMap(portOf),
    run: (feeds, fetches) => runOnFloats(session, feeds, fetches),
    release: () => session.release(),
  };
};

/**
 * Creates a session; `model` is an ONNX file's bytes or its path.
 * @throws UserError with ONNX Runtime's message: ModelUnsupported for operators, versions or types that it lacks,
 * ModelInvalid otherwise
 */
export const createSession = async (
  model: Uint8Array | string,
  settings: InferenceSession.SessionOptions,
): Promise<InferenceSession> => {
  try {
    return typeof model === 'string'
      ? await InferenceSession.create(model, settings)
      : await InferenceSession.create(model, settings);
  } catch (thrown) {
    const message = messageOf(thrown).trim();
    const reason = lacking.test(message) ? 'ModelUnsupported' : 'ModelInvalid';
    throw new UserError(reason, `Opening the model in ONNX Runtime: ${message}`, { cause: thrown });
  }
};

/** ONNX Runtime 1.30's messages for valid models that it does not support. */
const lacking =
  /could not find an implementation|is not a registered function|no op registered|unsupported model ir version|only \*guarantees\* support|not implemented|not supported/i;

/**
 * Runs a session.
 * @throws UserError ModelUnsupported with ONNX Runtime's message if the graph cannot run on these inputs
 */
export const runSession = async (
  session: InferenceSession,
  feeds: InferenceSession.FeedsType,
  fetches: readonly string[],
): Promise<InferenceSession.ReturnType> => {
  try {
    return await session.run(feeds, [...fetches]);
  } catch (thrown) {
    throw runError(thrown);
  }
};

/** Name of the output that is no tensor; `endBeforeCopies` adds it to a model. */
export const outputBeforeAll = 'before all outputs';

/** The binding's message. A binding that converts every type would only take longer. */
const notConverted = 'Non tensor type is temporarily not supported.';

/**
 * Runs a session of a model of `endBeforeCopies`, which writes to the memory of `outputs`.
 * @throws UserError as `runSession`
 */
export const runInPlace = async (
  session: InferenceSession,
  feeds: InferenceSession.FeedsType,
  outputs: Readonly<Record<string, Tensor>>,
): Promise<void> => {
  try {
    await session.run(feeds, { [outputBeforeAll]: null, ...outputs });
  } catch (thrown) {
    if (messageOf(thrown) !== notConverted) throw runError(thrown);
  }
};

const runError = (thrown: unknown): UserError =>
  new UserError(
    'ModelUnsupported',
    `Running the model in ONNX Runtime: ${messageOf(thrown).trim()}. Run it in onnxruntime directly on an image of this size; if that also fails, export it again.`,
    { cause: thrown },
  );

const portOf = (port: InferenceSession.ValueMetadata): readonly PortInfo[] =>
  port.isTensor ? [{ name: port.name, type: port.type, shape: port.shape }] : [];

/** Values of a float32 or float16 tensor; undefined for any other type. */
const floatsOf = ({ type, data }: Tensor): Float32Array | undefined => {
  if (type === 'float32') return data as Float32Array;
  if (type !== 'float16' || !ArrayBuffer.isView(data)) return undefined;
  return Float32Array.from(
    new Float16Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength / 2),
  );
};

const runOnFloats = async (
  session: InferenceSession,
  feeds: FloatTensors,
  fetches: readonly string[] | undefined,
): Promise<Record<string, FloatTensor>> => {
  const tensors = Object.entries(feeds).map(([name, { data, dims }]) => [
    name,
    new Tensor('float32', data, dims),
  ]);
  const results = await runSession(session, Object.fromEntries(tensors), fetches ?? session.outputNames);
  return Object.fromEntries(
    Object.entries(results).flatMap(([name, tensor]) => {
      const data = floatsOf(tensor);
      return data ? [[name, { data, dims: tensor.dims }] as const] : [];
    }),
  );
};
