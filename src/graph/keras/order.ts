/**
 * Orders the calls that the outputs of a network need, each after the calls it depends on. Not recursive: networks are
 * deep.
 */
import { UserError } from '../../ground/base/errors.ts';
import type { LayerSpec, Network, TensorRef } from './network.ts';

/** Call number `call` of a layer. */
export type Call = { readonly layer: LayerSpec; readonly call: number };

/** Key of a call in maps. */
export const callKey = ({ layer, call }: Pick<TensorRef, 'layer' | 'call'>): string => `${call} ${layer}`;

/** @throws UserError ModelInvalid if calls depend on each other in a cycle */
export const orderCalls = ({ layers, outputs }: Network): Call[] => {
  const done: Call[] = [];
  const state = new Map<string, 'open' | 'done'>();
  const stack: TensorRef[] = outputs.toReversed();
  while (stack.length > 0) {
    const at = stack.at(-1)!;
    const key = callKey(at);
    const layer = layers.get(at.layer)!; // checked by parseNetwork
    const waiting = layer.calls[at.call]!.filter((each) => state.get(callKey(each)) !== 'done');
    if (state.get(key) === 'done' || waiting.length === 0) {
      if (state.get(key) !== 'done') done.push({ layer, call: at.call });
      state.set(key, 'done');
      stack.pop();
      continue;
    }
    if (waiting.some((each) => state.get(callKey(each)) === 'open')) throw circularCall(at.layer);
    state.set(key, 'open');
    for (const each of waiting.toReversed()) stack.push(each);
  }
  return done;
};

const circularCall = (layer: string): UserError =>
  new UserError(
    'ModelInvalid',
    `Reading the Keras model's network: the layer ${layer} depends on its own output. The file is damaged; save or copy it again.`,
  );
