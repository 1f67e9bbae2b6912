/** The gate to ONNX Runtime: opens a model, runs it, and types what goes wrong. Nothing else calls ONNX Runtime. */
import { messageOf, UserError } from '../../ground/base/errors.ts';
import { InferenceSession, Tensor } from './onnxruntime.ts';

export type FloatTensor = { readonly data: Float32Array; readonly dims: readonly number[] };

export type PortInfo = {
  readonly name: string;
  /** ONNX Runtime's word, for example float32. */
  readonly type: string;
  /** Sizes; a string names a free dimension. */
  readonly shape: readonly (number | string)[];
};

export interface Session {
  readonly inputs: readonly PortInfo[];
  readonly outputs: readonly PortInfo[];
  /** Runs the model and returns the float outputs that were asked for. */
  run(
    feeds: Readonly<Record<string, FloatTensor>>,
    fetches?: readonly string[],
  ): Promise<Record<string, FloatTensor>>;
  release(): Promise<void>;
}

export type SessionOptions = {
  /** `disabled` keeps every tensor; `extended` fuses; `all` also lays out for this processor. */
  readonly optimisation?: 'disabled' | 'extended' | 'all';
  readonly threads?: number;
  /** Writes the optimised model there. */
  readonly optimisedModelPath?: string;
  /** Weights kept a second time in the layout that the kernels like; on if undefined. */
  readonly prepacking?: boolean;
  /** Memory kept for the next run; on if undefined. */
  readonly arena?: boolean;
  /**
   * Threads that have nothing to do look for work without a pause, at the cost of a processor each. A run in a tight loop
   * is up to a fifth quicker; where anything happens between two runs, that loses its processors. Off if undefined.
   */
  readonly spinning?: boolean;
};

export const sessionOptions = (options: SessionOptions): InferenceSession.SessionOptions => {
  const { optimisation = 'all', threads, optimisedModelPath } = options;
  const { prepacking = true, arena = true, spinning = false } = options;
  return {
    executionProviders: ['cpu'],
    graphOptimizationLevel: optimisation,
    logSeverityLevel: 3,
    enableCpuMemArena: arena,
    enableMemPattern: arena,
    extra: {
      session: {
        ...(!prepacking && { disable_prepacking: '1' }),
        ...(!spinning && { intra_op: { allow_spinning: '0' } }),
      },
    },
    ...(threads !== undefined && { intraOpNumThreads: threads }),
    ...(optimisedModelPath !== undefined && { optimizedModelFilePath: optimisedModelPath }),
  };
};

/** @throws UserError as `createSession`; its `run` as `runSession` */
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
 * `model`: an ONNX file's bytes or its path.
 * @throws UserError with ONNX Runtime's own words: ModelUnsupported for operators, versions or types that it does not
 * have, ModelInvalid for anything else
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

/** What ONNX Runtime 1.30 says of a model that is valid, or that it cannot judge. */
const lacking =
  /could not find an implementation|is not a registered function|no op registered|unsupported model ir version|only \*guarantees\* support|not implemented|not supported/i;

/** @throws UserError ModelUnsupported with ONNX Runtime's own words: the graph cannot be run on these inputs */
export const runSession = async (
  session: InferenceSession,
  feeds: InferenceSession.FeedsType,
  fetches: readonly string[],
): Promise<InferenceSession.ReturnType> => {
  try {
    return await session.run(feeds, [...fetches]);
  } catch (thrown) {
    throw new UserError(
      'ModelUnsupported',
      `Running the model in ONNX Runtime: ${messageOf(thrown).trim()}. Run it in onnxruntime by itself on an image of this size, and export it again where that fails as well.`,
      { cause: thrown },
    );
  }
};

const portOf = (port: InferenceSession.ValueMetadata): readonly PortInfo[] =>
  port.isTensor ? [{ name: port.name, type: port.type, shape: port.shape }] : [];

/** Values of a float32 or float16 tensor; undefined for any other. */
const floatsOf = ({ type, data }: Tensor): Float32Array | undefined => {
  if (type === 'float32') return data as Float32Array;
  if (type !== 'float16' || !ArrayBuffer.isView(data)) return undefined;
  return Float32Array.from(
    new Float16Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength / 2),
  );
};

const runOnFloats = async (
  session: InferenceSession,
  feeds: Readonly<Record<string, FloatTensor>>,
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
