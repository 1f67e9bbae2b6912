/** Starts a cluster without our images, says so, and keeps it until it is told to stop: what the clean-up tests end. */
import process from 'node:process';
import { startCluster } from './cluster.ts';

const { kubeconfig } = await startCluster({ images: false });
process.stdout.write(`${kubeconfig}\n`);
setInterval(() => {}, 60_000);
