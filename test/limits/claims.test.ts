/** Sizes in files are compared with limits before memory is allocated for them. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { findRecordFiles } from '../../src/data/datasets/paths.ts';
import { parseExperimentSpec } from '../../src/data/specs/experiment-spec.ts';
import { parseHistogramFile } from '../../src/formats/scales/histogram-file.ts';
import { UserError } from '../../src/ground/base/errors.ts';
import type { FailureReason } from '../../src/ground/base/failures.ts';
import { limits } from '../../src/ground/base/limits.ts';
import { type Bins, histogramFileOf, inflatingHistograms, manyParts } from '../bombs/histograms.ts';
import { statedBombs } from '../bombs/onnx.ts';
import { aFolder } from '../builders/tool.ts';
import { runExport } from '../builders/tool-context.ts';
import { photosFolder } from '../photos/photos.ts';

/** Checks that `work` is refused with this reason before the process grows by the size in the file. Returns the message. */
const assertRefused = async (reason: FailureReason, run: () => unknown): Promise<string> => {
  const before = process.memoryUsage().rss;
  try {
    await run();
  } catch (thrown) {
    if (!(thrown instanceof UserError) || thrown.reason !== reason) throw thrown;
    const grown = (process.memoryUsage().rss - before) / 2 ** 20;
    return grown < 400 ? thrown.message : `${grown.toFixed()} MiB were allocated before: ${thrown.message}`;
  }
  return 'it was accepted';
};

const accepted = /at most .* are accepted\. /;

for (const [name, model] of Object.entries(statedBombs))
  test.serial(`an ONNX model with ${name} is refused before it runs`, async (t) => {
    const folder = aFolder();
    const path = join(folder, 'model.onnx');
    writeFileSync(path, model());
    const message = await assertRefused('ModelUnsupported', async () =>
      runExport(
        ...[
          'classification',
          '-m',
          path,
          '--key_file',
          join(folder, 'key.txt'),
          '-o',
          join(folder, 'm.etlt'),
        ],
        ...[
          '--data_type',
          'int8',
          '--cal_image_dir',
          await photosFolder(),
          '--batches',
          '1',
          '--batch_size',
          '1',
        ],
        ...['--cal_cache_file', join(folder, 'cal.bin')],
      ),
    );
    t.regex(message, accepted);
  });

test.serial('a histogram file that inflates to more than any calibration has is refused', async (t) => {
  const message = await assertRefused('HistogramsInvalid', () => parseHistogramFile(inflatingHistograms()));
  t.regex(message, /its content is inconsistent/);
});

test.serial('a histogram file with too many parts is refused', async (t) => {
  t.regex(await assertRefused('HistogramsInvalid', () => parseHistogramFile(manyParts())), /300000 parts/);
});

const origin = 2 ** 31;
const senseless: Readonly<Record<string, Bins>> = {
  'bins that are not ascending': { bins: [origin + 5, 0], counts: [1, 1] },
  'a bin above the largest float': { bins: [origin + 5, 2 ** 20], counts: [1, 1] },
  'a first bin beyond all floats': { bins: [0], counts: [1] },
  'an empty bin': { bins: [origin + 5], counts: [0] },
  'an infinite range': { bins: [origin + 5], counts: [1], max: Number.POSITIVE_INFINITY },
  'a NaN range': { bins: [origin + 5], counts: [1], min: Number.NaN },
  'a reversed range': { bins: [origin + 5], counts: [1], min: 2, max: 1 },
};

for (const [what, bins] of Object.entries(senseless))
  test.serial(`a histogram with ${what} is refused`, async (t) => {
    const message = await assertRefused('HistogramsInvalid', () => parseHistogramFile(histogramFileOf(bins)));
    t.regex(message, /is inconsistent/);
  });

test.serial('a spec whose images do not fit into memory is refused, with the line', async (t) => {
  const text = `train_config { train_dataset_path: "t" batch_size_per_gpu: 1 }
model_config { arch: "resnet" n_layers: 18 input_image_size: "3,16384,16384" }`;
  const message = await assertRefused('SpecInvalid', () =>
    parseExperimentSpec(text, { file: 'spec.txt', architecture: 'classification' }).loader(),
  );
  t.regex(message, /spec\.txt:2:\d+ model_config\.input_image_size: .*16384 × 16384 pixels/);
});

test.serial('a pattern for TFRecords that visits too many files is refused', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tlt-test-glob-'));
  for (let each = 0; each < 400; each++) mkdirSync(join(folder, `${each}`));
  const message = await assertRefused('SpecInvalid', () => findRecordFiles(`${folder}/*/{1..400}`));
  t.regex(message, /leads through 100,001 files and folders/);
});

test.serial('each limit says what it limits, why, and what to do', (t) => {
  for (const [name, limit] of Object.entries(limits)) {
    t.true(Number.isSafeInteger(limit.max) && limit.max > 0, name);
    for (const text of [limit.of, limit.why, limit.remedy, limit.unit]) t.true(text.length > 2, name);
    t.regex(limit.remedy, /^[A-Z].*\.$/, name);
  }
});
