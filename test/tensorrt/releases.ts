/** The releases of TensorRT for RTX that PyPI has: the real builder, each in a folder of its own. */
import { cached } from '../cluster/cache.ts';
import { run } from '../cluster/run.ts';

export const rtxReleases = ['1.4.0.76', '1.5.0.114', '1.6.1.120', '1.7.1.116'] as const;
export type RtxRelease = (typeof rtxReleases)[number];

/** The environment in which Python finds that release; installed once. */
export const rtxEnvironment = async (release: RtxRelease): Promise<Readonly<Record<string, string>>> => {
  const folder = await cached(`tensorrt-rtx-${release}`, async (path) => {
    const pip = ['-m', 'pip', 'install', '--quiet', '--no-compile', '--target', path];
    await run('python3', [...pip, `tensorrt_rtx==${release}`], {
      label: `installing TensorRT for RTX ${release} for the tests (first run only)`,
    });
  });
  return { PYTHONPATH: folder };
};
