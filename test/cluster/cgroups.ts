/** Cgroups of programs that run containers: one per node, in which its kubelet creates those of its pods. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const prefix = 'tlt-test';

/** The cgroup of a node. */
export const cgroupOf = (node: string): string => `${prefix}-${node}`;

const hierarchies = (): readonly string[] =>
  existsSync('/sys/fs/cgroup/cgroup.controllers')
    ? ['/sys/fs/cgroup']
    : readdirSync('/sys/fs/cgroup').map((controller) => join('/sys/fs/cgroup', controller));

/** The kubelet requires its root cgroup in every hierarchy; a new cpuset has neither processors nor memory nodes. */
export const makeCgroup = (name: string): void => {
  for (const hierarchy of hierarchies()) {
    const group = join(hierarchy, name);
    mkdirSync(group, { recursive: true });
    for (const file of ['cpuset.cpus', 'cpuset.mems'])
      if (existsSync(join(hierarchy, file)) && existsSync(join(group, file)))
        writeFileSync(join(group, file), readFileSync(join(hierarchy, file)));
  }
};

/** Innermost first: a cgroup with children cannot be removed. */
export const removeCgroup = (name: string): void => {
  const remove = (group: string): void => {
    if (!existsSync(group)) return;
    for (const entry of readdirSync(group, { withFileTypes: true }))
      if (entry.isDirectory()) remove(join(group, entry.name));
    try {
      rmdirSync(group);
    } catch {
      // An exiting process still holds it; the next start removes it.
    }
  };
  for (const hierarchy of hierarchies()) remove(join(hierarchy, name));
};
