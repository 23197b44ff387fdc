"""The style of the usage page, light and dark.

The colours of series are those of Okabe and Ito, which people with any kind of colour blindness
can tell apart, darker or lighter where the background asks for it.
"""

STYLE = """
:root {
  --page: #f6f7f9; --card: #ffffff; --line: #e2e5ea; --text: #1b1f27; --soft: #5d6675;
  --s0: #0072b2; --s1: #e69f00; --s2: #009e73; --s3: #56b4e9;
  --s4: #d55e00; --s5: #cc79a7; --s6: #8c7a00; --s7: #7d8694;
  --good: #0072b2; --bad: #d55e00; --idle: #a3abb8;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14161b; --card: #1d2027; --line: #30353f; --text: #e8eaee; --soft: #9aa3b2;
    --s0: #4aa3df; --s1: #f0b429; --s2: #2fbf94; --s3: #8fd0f5;
    --s4: #f0803c; --s5: #dc9cc0; --s6: #e3d35b; --s7: #8d96a5;
    --good: #4aa3df; --bad: #f0803c; --idle: #6c7482;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--text);
  font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
}
main { max-width: 1240px; margin: 0 auto; padding: 28px 20px 48px; }
h1 { font-size: 26px; margin: 0; letter-spacing: -0.01em; }
h2 { font-size: 17px; margin: 0 0 8px; }
header p { margin: 4px 0 20px; color: var(--soft); }
.tiles {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(165px, 1fr)); gap: 12px;
  margin: 0 0 20px;
}
.tiles div, figure, section {
  background: var(--card); border: 1px solid var(--line); border-radius: 10px;
}
.tiles div { padding: 12px 16px; }
dt { color: var(--soft); font-size: 13px; }
dd { margin: 2px 0 0; font-size: 24px; font-weight: 600; font-variant-numeric: tabular-nums; }
dd small { display: block; font-size: 13px; font-weight: 400; color: var(--soft); }
.figures {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 460px), 1fr)); gap: 16px;
  align-items: start;
}
figure { margin: 0; padding: 16px; }
figcaption { font-weight: 600; font-size: 15px; margin-bottom: 6px; }
section { padding: 16px; margin-top: 16px; }
.legend {
  list-style: none; display: flex; flex-wrap: wrap; gap: 2px 16px; padding: 0; margin: 0 0 6px;
  color: var(--soft); font-size: 13px;
}
.legend svg { width: 10px; height: 10px; margin-right: 6px; }
.chart { display: block; width: 100%; height: auto; }
.chart text { font-size: 13px; fill: var(--soft); font-variant-numeric: tabular-nums; }
.chart .name { fill: var(--text); }
.chart .value { font-size: 12px; }
.grid { stroke: var(--line); stroke-width: 1; }
rect.good { fill: var(--good); } rect.bad { fill: var(--bad); } rect.idle { fill: var(--idle); }
rect.s0 { fill: var(--s0); } rect.s1 { fill: var(--s1); } rect.s2 { fill: var(--s2); }
rect.s3 { fill: var(--s3); } rect.s4 { fill: var(--s4); } rect.s5 { fill: var(--s5); }
rect.s6 { fill: var(--s6); } rect.s7 { fill: var(--s7); }
rect:hover { opacity: 0.8; }
details { margin-top: 8px; color: var(--soft); font-size: 13px; }
summary { cursor: pointer; width: fit-content; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 13px; }
th, td { padding: 6px 8px; text-align: right; white-space: nowrap; }
td { font-variant-numeric: tabular-nums; }
thead th { color: var(--soft); font-weight: 500; }
tbody tr { border-top: 1px solid var(--line); }
tbody th { text-align: left; font-weight: 500; color: var(--text); }
.text { text-align: left; }
td.text { white-space: normal; min-width: 130px; max-width: 230px; }
.hidden { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; }
"""
