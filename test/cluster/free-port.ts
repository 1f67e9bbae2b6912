/**
 * Ports for servers that tests start. The system's own free ports do not serve: until the server listens, and while it is
 * restarted, any connection of another process may take one as its source, and even connect to itself.
 */
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { holdName, listen } from './held-name.ts';

/** Below those that the system gives to connections (32768 to 60999), and above those of well-known services. */
const range = { first: 12_000, end: 32_000 } as const;

/** A port on loopback that no other caller of any process gets before this process ends. */
export const freePort = async (): Promise<number> => {
  for (;;) {
    const port = randomInt(range.first, range.end);
    if (!(await holdName(`port-${port}`))) continue;
    const probe = await listen({ port, host: '127.0.0.1' });
    if (probe === undefined) continue;
    probe.close();
    await once(probe, 'close');
    return port;
  }
};
