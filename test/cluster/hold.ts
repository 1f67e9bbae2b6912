/**
 * Starts a cluster without our images, prints its kubeconfig, and keeps it until a signal stops it. Used by the
 * clean-up tests.
 */
import process from 'node:process';
import { startCluster } from './cluster.ts';

const { kubeconfig } = await startCluster({ images: false });
process.stdout.write(`${kubeconfig}\n`);
setInterval(() => {}, 60_000);
