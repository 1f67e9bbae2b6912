/** The HDF5 library for files on the disk, loaded when the first one is met: that takes longer than most tools' start. */
import type { Dataset, Group } from 'h5wasm/node';

/** Throws what libhdf5 finds wrong, where by itself it prints its stack and answers with empty values. */
export const loadHdf5 = async (): Promise<typeof import('h5wasm/node')> => {
  const library = await import('h5wasm/node');
  (await library.ready).activate_throwing_error_handler();
  return library;
};

type Entity = ReturnType<Group['get']>;

export const isGroup = (entity: Entity): entity is Group => typeOf(entity) === 'Group';
export const isDataset = (entity: Entity): entity is Dataset => typeOf(entity) === 'Dataset';

const typeOf = (entity: Entity): unknown => (entity && 'type' in entity ? entity.type : undefined);
