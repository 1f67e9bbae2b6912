/** Memory limit and usage of this process's control group (Linux, cgroups v1 and v2). */
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import process from 'node:process';

/** Memory limit in bytes: that of the cgroup, or the memory of the machine. */
export const readMemoryLimit = (): number => Math.min(process.constrainedMemory() || totalmem(), totalmem());

/**
 * Makes a function that returns the bytes that count towards the limit: without reclaimable page cache, with in-memory volumes.
 * Without a cgroup it returns the resident set size.
 */
export const makeMemoryMeter = (): (() => number) => {
  const group = findGroups().find((each) => readFileOr(each.usage, '') !== '');
  if (!group) return () => process.memoryUsage.rss();
  return () => {
    const stat = readFileOr(group.stat, '');
    const reclaimable = group.files.reduce((sum, name) => sum + readCount(stat, name), 0);
    return Math.max(process.memoryUsage.rss(), Number(readFileOr(group.usage, '0')) - reclaimable);
  };
};

type Group = { readonly usage: string; readonly stat: string; readonly files: readonly string[] };

/** Candidates: the path in /proc/self/cgroup, and the root, because in a container that path is the one of the host. */
const findGroups = (): readonly Group[] => {
  const lines = readFileOr('/proc/self/cgroup', '').split('\n');
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

const readCount = (stat: string, name: string): number =>
  Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(stat)?.[1] ?? 0);

const readFileOr = (path: string, otherwise: string): string => {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return otherwise; // not Linux, or not this version of control groups
  }
};
