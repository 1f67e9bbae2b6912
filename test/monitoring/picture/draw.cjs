/** Draws the dashboard's JSON with the components of Grafana, in a browser. */
require('uplot/dist/uPlot.min.css');
const { createTheme, dateTime, getDisplayProcessor, ThemeContext, toDataFrame } = require('@grafana/data');
const { BarGauge, BigValue, GlobalStyles, PanelChrome, Table, TimeSeries } = require('@grafana/ui');
const { createElement } = require('react');
const { createRoot } = require('react-dom/client');

const theme = createTheme({ colors: { mode: 'dark' } });
/** Pixels of a column and of a row of the grid, and of the title of the dashboard. */
const grid = { column: 1400 / 24, row: 38, top: 50 };

/** What Grafana takes for the settings of a chart that a dashboard does not name. */
const chartDefaults = {
  axisPlacement: 'auto',
  drawStyle: 'line',
  fillOpacity: 0,
  hideFrom: { legend: false, tooltip: false, viz: false },
  lineInterpolation: 'linear',
  lineWidth: 1,
  pointSize: 5,
  scaleDistribution: { type: 'linear' },
  showPoints: 'auto',
};

const configOf = ({ type, fieldConfig: { defaults } }, displayNameFromDS) => ({
  color: { mode: type === 'stat' ? 'thresholds' : 'palette-classic' },
  displayNameFromDS,
  ...defaults,
  thresholds: {
    mode: 'absolute',
    steps: (defaults.thresholds?.steps ?? [{ color: 'green', value: null }]).map(({ color, value }) => ({
      color,
      value: value ?? Number.NEGATIVE_INFINITY,
    })),
  },
  custom: chartDefaults,
});

const withDisplay = (frame, seriesIndex) => {
  for (const field of frame.fields) {
    field.state = { seriesIndex };
    field.display = getDisplayProcessor({ field, theme });
  }
  return frame;
};

/** A frame for each series of a panel, as Grafana's data source makes it of Prometheus's answer. */
const framesOf = (panel, answers) =>
  panel.targets
    .flatMap(({ legendFormat }, index) =>
      answers[index].map(({ metric, values, value }) => {
        const points = values ?? [value];
        const name = legendFormat.replace(/\{\{(\w+)\}\}/g, (_, label) => metric[label] ?? '');
        return toDataFrame({
          name,
          fields: [
            { name: 'Time', type: 'time', values: points.map(([at]) => at * 1000), config: {} },
            {
              name: 'Value',
              type: 'number',
              values: points.map(([, number]) => Number(number)),
              labels: metric,
              config: configOf(panel, name),
            },
          ],
        });
      }),
    )
    .map(withDisplay);

const lastOf = ({ fields: [, { values, display, config }] }) => ({
  ...display(values.at(-1)),
  title: config.displayNameFromDS,
});

const drawStat = (_, [frame], size) =>
  createElement(BigValue, {
    ...size,
    theme,
    value: { ...lastOf(frame), title: undefined },
    graphMode: 'none',
    colorMode: 'value',
    justifyMode: 'auto',
  });

const drawBars = ({ options }, frames, { width, height }) => {
  const max = Math.max(...frames.map((frame) => lastOf(frame).numeric));
  return frames.map((frame, key) =>
    createElement(BarGauge, {
      key,
      theme,
      width,
      height: height / frames.length - 4,
      value: lastOf(frame),
      field: { ...frame.fields[1].config, min: 0, max },
      display: frame.fields[1].display,
      ...options,
      showUnfilled: true,
    }),
  );
};

/** Labels are columns, without those that the panel's transformation leaves out. */
const drawTable = ({ transformations: [{ options }], fieldConfig: { defaults } }, frames, size) => {
  const labels = frames.map(({ fields }) => fields[1].labels);
  const names = Object.keys(labels[0])
    .filter((name) => !options.excludeByName[name])
    .sort((a, b) => options.indexByName[a] - options.indexByName[b]);
  const custom = { align: 'auto', cellOptions: { type: 'auto' }, ...defaults.custom };
  const fields = names.map((name) => ({
    name,
    type: 'string',
    values: labels.map((each) => each[name]),
    config: { custom },
  }));
  return createElement(Table, { ...size, data: withDisplay(toDataFrame({ fields }), 0) });
};

const drawChart = (_, frames, size, timeRange) => {
  const legend = { displayMode: 'list', placement: 'bottom', showLegend: true, calcs: [] };
  return createElement(TimeSeries, {
    ...size,
    frames,
    timeRange,
    timeZone: 'utc',
    legend,
    options: { legend },
  });
};

const drawings = { stat: drawStat, bargauge: drawBars, table: drawTable, timeseries: drawChart };

const noData = (height) =>
  createElement(
    'div',
    { style: { height, display: 'grid', placeItems: 'center', color: theme.colors.text.secondary } },
    'No data',
  );

const drawPanel = (panel, answers, timeRange) => {
  const { x, y, w, h } = panel.gridPos;
  const size = { width: w * grid.column - 8, height: h * grid.row - 8 };
  const place = { position: 'absolute', left: x * grid.column + 4, top: grid.top + y * grid.row, ...size };
  if (panel.type === 'row')
    return createElement('div', { key: panel.id, style: { ...place, fontSize: 18 } }, `⌄ ${panel.title}`);
  const frames = framesOf(panel, answers[panel.id]);
  const inside = (width, height) =>
    frames.length === 0 ? noData(height) : drawings[panel.type](panel, frames, { width, height }, timeRange);
  return createElement(
    'div',
    { key: panel.id, style: place },
    createElement(PanelChrome, { ...size, title: panel.title, padding: 'md' }, inside),
  );
};

/**
 * Draws the dashboard into the element `root`; returns its height in pixels.
 * @param answers of Prometheus: the results of the queries of each panel, by its id
 * @param range `from` and `to` in milliseconds
 */
window.draw = (dashboard, answers, range) => {
  const [from, to] = [dateTime(range.from), dateTime(range.to)];
  const timeRange = { from, to, raw: { from, to } };
  const bottom = Math.max(...dashboard.panels.map(({ gridPos: { y, h } }) => y + h));
  const height = bottom * grid.row + grid.top + 10;
  const title = createElement('h1', { style: { padding: '12px 8px', fontSize: 20 } }, dashboard.title);
  const panels = dashboard.panels.map((panel) => drawPanel(panel, answers, timeRange));
  const style = { position: 'relative', height, background: theme.colors.background.canvas };
  createRoot(document.getElementById('root')).render(
    createElement(
      ThemeContext.Provider,
      { value: theme },
      createElement(GlobalStyles),
      createElement('div', { style }, title, panels),
    ),
  );
  return height;
};
