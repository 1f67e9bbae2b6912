/** The style sheet of the page. Colours have a contrast of at least 4.5 to 1 in both schemes; signs and words say the same. */
export const style = `
:root { color-scheme: light dark; --paper: #fff; --card: #f4f6f8; --ink: #1b1f24; --faint: #55606b; --line: #c2cad3;
  --accent: #0b57c2; --good: #146c43; --bad: #b3261e; --busy: #0b57c2; --wait: #7a4a00; }
@media (prefers-color-scheme: dark) { :root { --paper: #14171b; --card: #1e2329; --ink: #e8ebef; --faint: #a9b3be;
  --line: #46515c; --accent: #7ab7ff; --good: #63d59d; --bad: #ff9188; --busy: #7ab7ff; --wait: #ffbf66; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.2rem 1.5rem; max-width: 110rem; background: var(--paper); color: var(--ink);
  font: 15px/1.45 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.15rem; margin: 1.2rem 0 .4rem; }
a { color: var(--accent); } p { margin: .3rem 0; } .faint { color: var(--faint); font-size: .87rem; }
code { font: .85em ui-monospace, monospace; overflow-wrap: anywhere; user-select: all; }
.skip { position: absolute; left: -99rem; } .skip:focus { position: static; }
.read { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.counts { display: flex; flex-wrap: wrap; gap: .5rem; margin: .8rem 0; padding: 0; list-style: none; }
.counts li { background: var(--card); border: 1px solid var(--line); border-radius: .4rem; padding: .3rem .8rem; }
.counts b { font-variant-numeric: tabular-nums; }
form { display: flex; flex-wrap: wrap; gap: .8rem; align-items: end; }
label { display: grid; gap: .1rem; font-size: .87rem; color: var(--faint); }
input, select, button { font: inherit; color: var(--ink); background: var(--paper); border: 1px solid var(--faint);
  border-radius: .3rem; padding: .3rem .6rem; }
button { background: var(--card); cursor: pointer; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: .4rem; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
caption { text-align: left; padding: .5rem .6rem; color: var(--faint); }
th, td { padding: .4rem .6rem; text-align: left; vertical-align: top; border-top: 1px solid var(--line); }
thead th { background: var(--card); vertical-align: bottom; } thead small { display: block; color: var(--faint); font-weight: 400; }
tbody th { font-weight: 600; overflow-wrap: anywhere; min-width: 10rem; }
tbody small { display: block; color: var(--faint); font-weight: 400; overflow-wrap: anywhere; }
td p { max-width: 45ch; font-size: .87rem; overflow-wrap: anywhere; margin: .1rem 0 0; }
.good { color: var(--good); } .bad { color: var(--bad); } .busy { color: var(--busy); } .wait { color: var(--wait); }
.mark { white-space: nowrap; font-weight: 600; }
nav ul { display: flex; gap: 1rem; list-style: none; padding: 0; align-items: baseline; }
`;
