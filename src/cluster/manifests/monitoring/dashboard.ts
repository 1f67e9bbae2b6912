/** The Grafana dashboard as JSON. */
import { type Panel, rows } from './dashboard-rows.ts';

/** Grafana's grid has 24 columns. */
const columns = 24;
const panelHeight = 8;
const statWidth = 4;

/** A number needs little width; the other panels of a row share the rest. */
const widthsOf = (panels: readonly Panel[]): readonly number[] => {
  const stats = panels.filter(({ kind }) => kind === 'stat').length;
  const rest = Math.floor((columns - stats * statWidth) / (panels.length - stats));
  return panels.map(({ kind }) => (kind === 'stat' ? statWidth : rest));
};

/** The dashboard as Grafana imports it. */
export const dashboard = () => {
  let id = 0;
  let y = 0;
  const panels = rows.flatMap(({ title, panels: inRow }) => {
    const top = y;
    y += 1 + panelHeight;
    const widths = widthsOf(inRow);
    return [
      {
        id: ++id,
        type: 'row',
        title,
        collapsed: false,
        gridPos: { x: 0, y: top, w: columns, h: 1 },
        panels: [],
      },
      ...inRow.map((panel, index) => ({
        ...panelJson(panel),
        id: ++id,
        gridPos: {
          x: widths.slice(0, index).reduce((sum, width) => sum + width, 0),
          y: top + 1,
          w: widths[index]!,
          h: panelHeight,
        },
      })),
    ];
  });
  return {
    uid: 'tlt-export-operator',
    title: 'TLT exports',
    tags: ['tlt', 'tao', 'kubernetes'],
    schemaVersion: 39,
    editable: true,
    refresh: '30s',
    time: { from: 'now-6h', to: 'now' },
    templating: {
      list: [{ name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus' }],
    },
    panels,
  };
};

/** A variable of Grafana, not of JavaScript. */
const datasource = { type: 'prometheus', uid: '$' + '{datasource}' };

/** Green below the number, red from it on. */
const thresholds = (redFrom: number) => ({
  mode: 'absolute',
  steps: [
    { color: 'green', value: null },
    { color: 'red', value: redFrom },
  ],
});

/** Names above the bars, where they have room. */
const barOptions = { orientation: 'horizontal', displayMode: 'gradient', namePlacement: 'top' };

/** Pixels of the narrowest column: four of them are in a third of a window. Grafana's default is 150. */
const minWidth = 90;

/** Columns in this order; the time, and the value that is always 1, are left out. */
const inColumns = (names: readonly string[]) => [
  {
    id: 'organize',
    options: {
      excludeByName: { Time: true, Value: true },
      indexByName: Object.fromEntries(names.map((name, index) => [name, index])),
      renameByName: {},
    },
  },
];

const panelJson = ({ title, kind, queries, unit, description, redFrom, columns: names }: Panel) => ({
  type: kind,
  title,
  ...(description !== undefined && { description }),
  datasource,
  fieldConfig: {
    defaults: {
      ...(unit === undefined ? { unit: 'short', decimals: 0 } : { unit }),
      ...(names !== undefined && { custom: { minWidth } }),
      ...(redFrom !== undefined && { thresholds: thresholds(redFrom) }),
    },
    overrides: [],
  },
  ...(kind === 'bargauge' && { options: barOptions }),
  ...(names !== undefined && { transformations: inColumns(names) }),
  targets: queries.map(({ expression, legend }, index) => ({
    refId: String.fromCharCode('A'.charCodeAt(0) + index),
    datasource,
    expr: expression,
    legendFormat: legend,
    ...(kind === 'timeseries' ? { range: true } : { instant: true }),
    ...(kind === 'table' && { format: 'table' }),
  })),
});
