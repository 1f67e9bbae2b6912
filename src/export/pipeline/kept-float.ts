/** Checks and logs the layers that the user keeps in float, before the first long step. */
import { findFloatLayers } from '../../graph/precision/float-layers.ts';
import { field } from '../../ground/contract/fields.ts';
import type { ExportPorts, ExportRequest } from './request.ts';

/** Maximum number of names in a log line; a pattern can match hundreds. */
const mostNamed = 10;

/** @throws UserError LayerNotFound */
export const checkKeptFloat = (
  { opened, keepFloat, dataType }: ExportRequest,
  { log }: Pick<ExportPorts, 'log'>,
): void => {
  if (keepFloat.length === 0) return;
  if (dataType !== 'int8') {
    log(
      'WARNING',
      `${field('keepFloat')} has no effect with ${field('dataType')} ${dataType}: all layers are float.`,
    );
    return;
  }
  const { names, tensors } = findFloatLayers(opened.model, keepFloat);
  log(
    'INFO',
    `Kept in float: ${listFirst(names)}. ${tensors.size} tensors have no scale: ${listFirst([...tensors])}`,
  );
};

const listFirst = (names: readonly string[]): string =>
  names.length > mostNamed
    ? `${names.slice(0, mostNamed).join(', ')} and ${names.length - mostNamed} more`
    : names.join(', ');
