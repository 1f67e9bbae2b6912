/** Memory of this process's control group, which the kernel ends the process for. Linux, cgroups v1 and v2. */
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import process from 'node:process';

/** Bytes that the process may have: the group's limit, or the machine's memory. */
export const memoryLimit = (): number => Math.min(process.constrainedMemory() || totalmem(), totalmem());

/**
 * Bytes that count towards it. Pages of files that can be given back are left out; volumes in memory, which cannot, are
 * in. Where there is no control group, what the process has resident.
 */
export const memoryUse = (): (() => number) => {
  const group = groups().find((each) => readOr(each.usage, '') !== '');
  if (!group) return () => process.memoryUsage.rss();
  return () => {
    const stat = readOr(group.stat, '');
    const reclaimable = group.files.reduce((sum, name) => sum + countOf(stat, name), 0);
    return Math.max(process.memoryUsage.rss(), Number(readOr(group.usage, '0')) - reclaimable);
  };
};

type Group = { readonly usage: string; readonly stat: string; readonly files: readonly string[] };

/** By the path that the kernel tells, and by the root: in a container the path is that of the host. */
const groups = (): readonly Group[] => {
  const lines = readOr('/proc/self/cgroup', '').split('\n');
  const first = lines.find((line) => line.includes(':memory:'))?.split(':')[2];
  const second = lines.find((line) => line.startsWith('0::'))?.slice(3);
  return [
    ...(first === undefined ? [] : [versionOne(first), versionOne('')]),
    ...(second === undefined ? [] : [versionTwo(second), versionTwo('')]),
  ];
};

const versionOne = (path: string): Group => {
  const folder = `/sys/fs/cgroup/memory${path}`;
  const files = ['total_inactive_file', 'total_active_file'];
  return { usage: `${folder}/memory.usage_in_bytes`, stat: `${folder}/memory.stat`, files };
};

const versionTwo = (path: string): Group => {
  const folder = `/sys/fs/cgroup${path}`;
  return {
    usage: `${folder}/memory.current`,
    stat: `${folder}/memory.stat`,
    files: ['inactive_file', 'active_file'],
  };
};

const countOf = (stat: string, name: string): number =>
  Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(stat)?.[1] ?? 0);

const readOr = (path: string, otherwise: string): string => {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return otherwise; // not Linux, or not this version of control groups
  }
};
