/** Networks of the structures: each alone, and random chains for the longer run. */
import { seededRandom } from '../../src/ground/base/rng.ts';
import { Network } from '../builders/networks.ts';
import { type Generated, type Structure, structures } from './structures.ts';

const networkOf = (chain: readonly Structure[]): Network => {
  const network = new Network();
  network.head(chain.reduce((tensor, { build }) => build(network, tensor), network.stem()));
  return network;
};

const opsetOf = (chain: readonly Structure[]): number =>
  Math.max(13, ...chain.map(({ opset = 13 }) => opset));

/** One network for each structure. */
export const alone = (): readonly Generated[] =>
  Object.entries(structures).map(([name, each]) => ({
    name,
    model: networkOf([each]).model({ opset: opsetOf([each]) }),
  }));

/** Structures that keep 16 channels and 16 × 16 pixels, or what the next one accepts. */
const longest = 4;

/** Random chains of structures; structures of another opset than the rest are drawn again. */
export const chained = (seed: number, count: number): readonly Generated[] => {
  const random = seededRandom(seed);
  const all = Object.entries(structures).filter(([, { opset = 13 }]) => opset <= 17);
  return Array.from({ length: count }, () => {
    const picked = Array.from(
      { length: 2 + Math.floor(random() * (longest - 1)) },
      () => all[Math.floor(random() * all.length)]!,
    );
    const chain = picked.map(([, each]) => each);
    return {
      name: picked.map(([name]) => name).join(' + '),
      model: networkOf(chain).model({ opset: opsetOf(chain) }),
    };
  });
};
