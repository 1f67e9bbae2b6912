/** The page's style sheet: light and dark by the reader's setting, with distinguishable colours of methods in both. */
export const style = `
:root { color-scheme: light dark; --paper: #fff; --card: #f6f7f9; --ink: #1b1f24; --faint: #59636e; --line: #c9d0d8;
  --accent: #0b62d6; --bars: #a9b6c6; --chosen: #14171a; --entropy: #0b62d6; --minmax: #b3261e;
  --percentile: #18794e; --mse: #9a5b00; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --paper: #14171b; --card: #1e2329; --ink: #e8ebef; --faint: #a3adb8;
  --line: #3b444e; --accent: #6cb0ff; --bars: #56647a; --chosen: #fff; --entropy: #6cb0ff; --minmax: #ff8a80;
  --percentile: #57d69b; --mse: #ffb454; --bad: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem; max-width: 90rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; }
p { margin: .3rem 0; max-width: 75ch; } .faint, figcaption { color: var(--faint); font-size: .87rem; }
code { font: .87em ui-monospace, monospace; overflow-wrap: anywhere; }
.cards { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1rem 0; padding: 0; list-style: none; }
.cards li { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .6rem 1rem;
  min-width: 9rem; }
.cards b { display: block; font-size: 1.3rem; font-variant-numeric: tabular-nums; }
.cards span { color: var(--faint); font-size: .87rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1.2rem; margin: .5rem 0; }
dt { color: var(--faint); } dd { margin: 0; }
.notes { border-left: 4px solid var(--accent); background: var(--card); padding: .5rem 1rem; margin: 1rem 0; }
.inputs { display: flex; flex-wrap: wrap; gap: .75rem; } figure { margin: 0; }
.inputs img { display: block; max-width: 16rem; height: auto; border: 1px solid var(--line); }
.legend { display: flex; flex-wrap: wrap; gap: 1.2rem; padding: 0; margin: .5rem 0; list-style: none;
  font-size: .87rem; }
.legend svg { vertical-align: middle; margin-right: .4rem; }
input { font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--line);
  border-radius: .3rem; padding: .3rem .6rem; width: 22rem; max-width: 100%; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.scroll { overflow-x: auto; margin-top: .75rem; }
table { border-collapse: collapse; width: 100%; font-size: .87rem; }
th, td { padding: .3rem .6rem; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap;
  font-variant-numeric: tabular-nums; }
th { color: var(--faint); font-weight: 600; vertical-align: bottom; }
tbody th { color: var(--ink); white-space: normal; min-width: 10rem; max-width: 20rem; overflow-wrap: anywhere;
  vertical-align: middle; font-weight: 400; }
th:first-child { text-align: left; } td.chart { padding: 0 .3rem; }
thead button { font: inherit; color: inherit; background: none; border: 0; padding: 0; cursor: pointer; }
[aria-sort=ascending] button::after { content: " ▲"; } [aria-sort=descending] button::after { content: " ▼"; }
td.chosen { font-weight: 700; } td.bad { color: var(--bad); font-weight: 700; }
svg { display: block; color: var(--ink); } .legend svg { display: inline; }
.overview { overflow-x: auto; } tr[hidden] { display: none; }
`;
