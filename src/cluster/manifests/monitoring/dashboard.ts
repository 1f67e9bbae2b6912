/** The Grafana dashboard as JSON. */
import { type Panel, rows } from './dashboard-rows.ts';

/** Grafana's grid has 24 columns. */
const columns = 24;
const panelHeight = 8;

/** The dashboard as Grafana imports it. */
export const dashboard = () => {
  let id = 0;
  let y = 0;
  const panels = rows.flatMap(({ title, panels: inRow }) => {
    const top = y;
    y += 1 + panelHeight;
    const width = Math.floor(columns / inRow.length);
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
        gridPos: { x: index * width, y: top + 1, w: width, h: panelHeight },
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

const panelJson = ({ title, kind, queries, unit = 'short', description }: Panel) => ({
  type: kind,
  title,
  ...(description !== undefined && { description }),
  datasource,
  fieldConfig: { defaults: { unit }, overrides: [] },
  targets: queries.map(({ expression, legend }, index) => ({
    refId: String.fromCharCode('A'.charCodeAt(0) + index),
    datasource,
    expr: expression,
    legendFormat: legend,
    ...(kind === 'timeseries' ? { range: true } : { instant: true }),
    ...(kind === 'table' && { format: 'table' }),
  })),
});
