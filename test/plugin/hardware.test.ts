/** `kubectl modelexport hardware`. */
import test from 'ava';
import { formatHardware, reportHardware } from '../../src/cluster/plugin/hardware-report.ts';
import { plain } from '../../src/cluster/plugin/paint.ts';
import { a10Labels, aGpuNode, aNode, t4Labels } from '../builders/nodes.ts';
import { aDeviceClass } from '../builders/objects.ts';

test('each class lists its nodes, and why the others do not match, the nearest first', (t) => {
  const ampere = aDeviceClass('ampere', {
    hardware: { computeCapability: '8.6' },
    resources: { 'nvidia.com/gpu': '1' },
  });
  const nodes = [
    ...['a', 'b', 'c', 'd'].map((name) => aNode(`cpu-${name}`)),
    aGpuNode('gpu-1', a10Labels),
    aGpuNode('gpu-2', a10Labels, { unschedulable: true }),
    aGpuNode('gpu-3', t4Labels),
  ];
  t.is(
    formatHardware(
      reportHardware([ampere, aDeviceClass('none', { nodeSelector: { pool: 'x' } })], nodes),
      plain,
    ),
    `ampere (TensorRtRtx, compute capability 8.6): 1 of 7 nodes match
├─ ✔ gpu-1: NVIDIA-A10, compute capability 8.6, driver 580.82.07, amd64
├─ ✖ gpu-2: is cordoned
├─ ✖ cpu-a, cpu-b, cpu-c and 1 more: label nvidia.com/gpu.compute.major is absent, the class requires In 8
└─ ✖ gpu-3: label nvidia.com/gpu.compute.major is 7, the class requires In 8

none (TensorRtRtx, compute capability 8.6): 0 of 7 nodes match
└─ ✖ cpu-a, cpu-b, cpu-c and 4 more: label pool is absent, the class selects x
`,
  );
});

test('without a class the text says what to create', (t) => {
  t.regex(formatHardware([], plain), /No ExportDeviceClass exists: create one/);
});
