/** The two GPU nodes with the labels of GPU feature discovery. The labels are real; the GPUs are only counted. */
const gpu = (labels: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(labels).map(([name, value]) => [`nvidia.com/${name}`, value]));

const driver = {
  'cuda.driver-version.full': '580.82.07',
  'cuda.driver-version.major': '580',
  'cuda.driver-version.minor': '82',
  'cuda.driver-version.revision': '07',
  'cuda.driver.major': '580',
  'cuda.driver.minor': '82',
  'cuda.driver.rev': '07',
  'cuda.runtime-version.full': '13.0',
  'cuda.runtime-version.major': '13',
  'cuda.runtime-version.minor': '0',
  'cuda.runtime.major': '13',
  'cuda.runtime.minor': '0',
} as const;

const common = {
  'gpu.present': 'true',
  'gpu.count': '1',
  'gpu.replicas': '1',
  'gpu.sharing-strategy': 'none',
  'gpu.mode': 'compute',
  'gpu.machine': 'Standard-PC-Q35-ICH9-2009',
  'mig.strategy': 'single',
  'mps.capable': 'false',
  'vgpu.present': 'false',
} as const;

export const nodeLabels: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'ampere-1': gpu({
    ...common,
    ...driver,
    'gpu.product': 'NVIDIA-A10',
    'gpu.family': 'ampere',
    'gpu.memory': '23028',
    'gpu.compute.major': '8',
    'gpu.compute.minor': '6',
    'mig.capable': 'false',
  }),
  'blackwell-1': gpu({
    ...common,
    ...driver,
    'gpu.product': 'NVIDIA-RTX-PRO-6000-Blackwell-Server-Edition',
    'gpu.family': 'blackwell',
    'gpu.memory': '97887',
    'gpu.compute.major': '12',
    'gpu.compute.minor': '0',
    'mig.capable': 'true',
  }),
};
