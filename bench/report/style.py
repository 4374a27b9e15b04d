"""How a report looks: one style sheet, light and dark, for wide screens and for phones."""

STYLE = """
:root{--paper:#faf9f7;--panel:#fff;--ink:#1e1b26;--soft:#66606f;--line:#e3dfe8;--grid:#ece9f0;--accent:#6438c8;
--accent-soft:#efe9fb;--bound:#8d869b;--bound-ground:#f1eff4;--warn:#9a4a00;--warn-ground:#fdf0e2}
@media (prefers-color-scheme:dark){:root{--paper:#121017;--panel:#1a1721;--ink:#efecf4;--soft:#a8a1b5;--line:#322d3d;
--grid:#272230;--accent:#ab8dff;--accent-soft:#2a2340;--bound:#8a8299;--bound-ground:#221e2b;--warn:#ffbe85;
--warn-ground:#3a2815}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;-webkit-text-size-adjust:100%;
overflow-wrap:anywhere}
main{max-width:1080px;margin:0 auto;padding:40px 24px 56px}
h1,h2,h3{line-height:1.2;margin:0;text-wrap:balance}
h1{font-size:clamp(1.5rem,4vw,2.1rem);font-weight:650}
h2{font-size:1.3rem}h3{font-size:1.05rem;margin:30px 0 10px}
p{margin:8px 0;max-width:76ch}
.defs{position:absolute}
.brand{margin:0 0 6px;color:var(--accent);font-weight:650;letter-spacing:.02em}
.pace{font-size:1.3rem;margin:2px 0;color:var(--soft)}
.pace b{font-size:clamp(3.2rem,12vw,5.2rem);line-height:1.05;color:var(--ink);font-weight:700;letter-spacing:-.03em;
font-variant-numeric:tabular-nums}
.work{color:var(--soft);margin:0 0 14px}
.headline{font-size:1.15rem;padding:14px 18px;background:var(--accent-soft);border-radius:12px;max-width:none}
.mark{display:inline-block;vertical-align:middle;background:var(--warn-ground);color:var(--warn);border-radius:99px;
padding:2px 12px;font-size:.9rem;font-weight:600}
dl{margin:0}dt{color:var(--soft);font-size:.85rem}dd{margin:0}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin-top:16px}
.tiles div{background:var(--panel);border:1px solid var(--line);border-radius:12px;padding:10px 14px}
.tiles dd{font-size:1.12rem;font-weight:600}
section{margin-top:26px;padding:24px;background:var(--panel);border:1px solid var(--line);border-radius:16px}
.hash{color:var(--soft);font:.82rem ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
figure{margin:18px 0 0}
figcaption{color:var(--soft);font-size:.86rem;margin-top:8px;max-width:88ch}
.row{display:grid;grid-template-columns:minmax(150px,250px) 1fr 108px;gap:0 14px;align-items:center}
.row .name{line-height:1.2;padding:5px 0}
.row .name .mark{font-size:.76rem;padding:0 8px;color:var(--warn)}
.row .name span:not(.mark),.row .value span,summary span,.small span{color:var(--soft);font-size:.84rem}
.row .value{font-variant-numeric:tabular-nums;font-weight:600;white-space:nowrap}
.row .value span{display:block;font-weight:400;line-height:1.2}
.row.bound b,.row.bound .value{font-weight:450;color:var(--soft)}
.row.axis{color:var(--soft);font-size:.84rem}
.plot{display:block;overflow:visible}
rect.measured{fill:var(--accent)}rect.bound{fill:url(#hatch);stroke:var(--bound);stroke-width:1}
rect.expected{fill:var(--accent-soft);stroke:var(--accent);stroke-width:1;stroke-dasharray:4 3}
.mark-measured{fill:var(--accent)}.mark-bound{fill:var(--bound-ground);stroke:var(--bound);stroke-width:2}
.mark-expected{fill:var(--accent-soft);stroke:var(--accent);stroke-width:2;stroke-dasharray:3 2}
.hatch-ground{fill:var(--bound-ground)}.hatch-line{stroke:var(--bound);stroke-width:2}
.whisker{stroke:var(--ink);stroke-width:2}
.grid{stroke:var(--grid);stroke-width:1}
.tick{fill:var(--soft);font-size:12px}
.roof{stroke:var(--accent);stroke-width:2.5;stroke-linecap:round}
.roof.sheet{stroke:var(--bound);stroke-dasharray:6 5}
.roof-name{fill:var(--soft);font-size:12.5px}
.point{fill:var(--accent);stroke:var(--panel);stroke-width:2}
.point-name{fill:var(--ink);font-size:13px;font-weight:600}
.series{stroke:var(--accent);stroke-width:1.6;stroke-linecap:round}
.dot{fill:var(--accent)}.middle{stroke:var(--bound);stroke-width:1;stroke-dasharray:4 4}
.key{display:inline-block;width:22px;height:11px;border-radius:3px}
.key.measured{background:var(--accent)}
.key.expected{border:1px dashed var(--accent);background:var(--accent-soft)}
.key.bound{border:1px solid var(--bound);background:repeating-linear-gradient(45deg,var(--bound) 0 2px,
var(--bound-ground) 2px 7px)}
.key.dot{width:12px;height:12px;border-radius:50%;vertical-align:-1px}.key.bound.dot{background:var(--bound-ground)}
a{color:var(--accent)}
.scroll{overflow-x:auto;margin-top:18px;background:linear-gradient(90deg,var(--panel) 40%,transparent),
linear-gradient(270deg,var(--panel) 40%,transparent) 100% 0,linear-gradient(90deg,var(--line),transparent),
linear-gradient(270deg,var(--line),transparent) 100% 0;background-size:40px 100%,40px 100%,14px 100%,14px 100%;
background-repeat:no-repeat;background-attachment:local,local,scroll,scroll;scrollbar-width:thin}
table{border-collapse:collapse;width:100%;font-size:.92rem;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:7px 14px 7px 0;border-bottom:1px solid var(--line);vertical-align:top;white-space:nowrap}
th{color:var(--soft);font-weight:500;font-size:.84rem}
td:first-child{font-weight:600;white-space:normal;min-width:clamp(9em,18vw,16em)}
table.text td{white-space:normal;min-width:150px;font-weight:400}
ul{padding-left:1.2em;margin:8px 0}
details{border-top:1px solid var(--line);padding:10px 0}
section>details:only-child{border:0;padding:0}
summary{cursor:pointer;font-weight:600}
.small{display:grid;grid-template-columns:repeat(auto-fit,minmax(230px,1fr));gap:14px 28px;margin:12px 0}
.small p{margin:0 0 4px}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(230px,1fr));gap:8px 28px;margin:12px 0}
.reading p{color:var(--soft)}
@media (max-width:640px){.axis .tick:nth-of-type(even){display:none}
main{padding:26px 14px 40px}section{padding:18px 16px;border-radius:14px}
.row{grid-template-columns:1fr auto;gap:0 10px;padding:3px 0}.row .plot{grid-column:1/-1;order:3}.row .value{order:2}
.row .name{padding:4px 0 0}.row.axis>div:first-child{display:none}.row.axis>div:last-child{display:none}
.roofline{overflow:hidden}.roofline .roof-name,.roofline .whose{display:none}}
@media print{section{break-inside:avoid}}
"""
