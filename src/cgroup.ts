/** Memory limit and usage of this process's control group (Linux, cgroups v1 and v2). */
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import process from 'node:process';

/** Memory limit in bytes: that of the cgroup, or the memory of the machine. */
export const memoryLimit = (): number => Math.min(process.constrainedMemory() || totalmem(), totalmem());

/**
 * Makes a function that returns the bytes that count towards the limit: without reclaimable page cache, with in-memory volumes.
 * Without a cgroup it returns the resident set size.
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

/** Candidates: the path in /proc/self/cgroup, and the root, because in a container that path is the one of the host. */
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
