/** Resource usage of this process so far, from the operating system. */
import process from 'node:process';

export const usage = (): { readonly processorSeconds: number; readonly mebibytes: number } => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  return { processorSeconds: (userCPUTime + systemCPUTime) / 1e6, mebibytes: maxRSS / 1024 };
};
