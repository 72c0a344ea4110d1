"""How a timeline looks, and what it does when it is clicked: CSS and JavaScript, no library.

Without JavaScript everything is there to read: details are tooltips, and a message is a link to
the turn in which it was sent.
"""

from __future__ import annotations

STYLE = """
:root{color-scheme:light dark;--paper:#fcfbf9;--soft:#f3f1ec;--ink:#22211f;--dim:#7d7970;
--line:#e3dfd7;--arrow:#9a958a;--net:#3f7fae;--bad:#c62a2f;--fault:#b9770e;--good:#2f8a4d;
--pick:#7a3ff2;--fill:62% 93%;--edge:42% 66%}
@media(prefers-color-scheme:dark){:root{--paper:#15161a;--soft:#1e2026;--ink:#e7e5e0;
--dim:#8f8c86;--line:#2c2f37;--arrow:#6d7079;--net:#69a9d8;--bad:#ff6b6b;--fault:#e5a63f;
--good:#5cc47e;--pick:#b492ff;--fill:28% 21%;--edge:32% 44%}}
*{box-sizing:border-box}
html,body{height:100%;margin:0}
body{display:flex;flex-direction:column;background:var(--paper);color:var(--ink);
font:13px/1.4 system-ui,-apple-system,"Segoe UI","DejaVu Sans",sans-serif}
code,pre,time,dd{font-family:ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace}
header{padding:10px 18px 8px;border-bottom:1px solid var(--line);border-left:6px solid var(--good);
display:flex;flex-wrap:wrap;gap:5px 22px;align-items:center}
header.bad{border-left-color:var(--bad)}
h1{font-size:17px;margin:0;font-weight:650}
h1 span{color:var(--good);font-weight:500}.bad h1 span{color:var(--bad)}
.failure{flex-basis:100%;margin:0;padding:6px 10px;max-height:6.5em;overflow:auto;
white-space:pre-wrap;border-radius:5px;font-size:12px;color:var(--bad);
background:color-mix(in srgb,var(--bad) 9%,transparent)}
dl{display:flex;flex-wrap:wrap;gap:2px 18px;margin:0}
dl div{display:flex;gap:6px;align-items:baseline}
dt{color:var(--dim)}dd{margin:0;font-size:12px}
p{margin:0}.replay,.scope{flex-basis:100%}
.replay code{background:var(--soft);padding:3px 8px;border-radius:4px;font-size:12px;
user-select:all;overflow-wrap:anywhere}
.scope{color:var(--dim)}
.tools{display:none;gap:12px;align-items:center;color:var(--dim)}.js .tools{display:flex}
.tools input[type=search]{width:220px;font:inherit;padding:3px 8px;color:inherit;
border:1px solid var(--line);border-radius:5px;background:var(--soft)}
.tools label{display:flex;gap:4px;align-items:center}
.tools button{font:inherit;width:26px;border:1px solid var(--line);border-radius:5px;
background:var(--soft);color:inherit;cursor:pointer}
.legend{display:flex;flex-wrap:wrap;gap:6px 10px;align-items:center;color:var(--dim)}
.legend i{font-style:normal;font-size:11px}
.frame{position:relative;flex:1;min-height:240px;display:flex}
main{flex:1;overflow:auto;outline:none;margin-right:14px}
.sheet{display:grid;grid-template-columns:112px 1fr;grid-template-rows:58px auto;min-width:100%}
.corner,.heads{position:sticky;top:0;background:var(--paper);border-bottom:1px solid var(--line)}
.corner{left:0;z-index:6;padding:18px 10px 0 0;text-align:right;font-size:11px;line-height:1.3;
color:var(--dim)}
.heads{z-index:5;height:58px}
.group{position:absolute;top:0;height:20px;font-size:11px;font-weight:600;color:var(--dim);
border-left:1px solid var(--line)}
.group s{position:sticky;left:120px;text-decoration:none;padding:3px 8px;display:inline-block}
.lane{position:absolute;top:20px;width:140px;height:37px;padding:0 4px;text-align:center;
display:flex;flex-direction:column;justify-content:flex-end;padding-bottom:4px;line-height:1.2}
.lane small{color:var(--dim);font-size:10px}
.lane *{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.times{position:sticky;left:0;z-index:4;background:var(--paper);border-right:1px solid var(--line)}
time{position:absolute;right:8px;font-size:12px;line-height:24px}
time s{text-decoration:none;color:var(--dim);font-size:10.5px}
.plot{position:relative}
.plot>*{position:absolute}
.life{top:0;bottom:0;width:140px;
background:linear-gradient(var(--line),var(--line)) center/1px 100% no-repeat}
.life.first{border-left:1px solid var(--line)}
.away{width:140px;background:repeating-linear-gradient(135deg,transparent 0 6px,
color-mix(in srgb,var(--bad) 14%,transparent) 6px 8px)}
.gap{left:0;right:0;height:38px;display:flex;align-items:center;background:
linear-gradient(transparent,var(--soft) 35%,var(--soft) 65%,transparent)}
.gap span{position:sticky;left:130px;padding:0 10px;color:var(--dim);font-size:12px;
font-style:italic;letter-spacing:.02em}
.gap span:before{content:"\\22EE";font-style:normal;margin-right:10px}
svg{left:0;top:0;pointer-events:none}
path.a{fill:none;stroke:var(--arrow);stroke-width:1.1;opacity:.75;marker-end:url(#h-told)}
path.self{visibility:hidden}
path.f{stroke:var(--net);stroke-width:1.2;opacity:.65;marker-end:url(#h-flow)}
path.f.bad{stroke:var(--bad);stroke-dasharray:4 3;marker-end:url(#h-bad)}
.h-told{fill:var(--arrow)}.h-flow{fill:var(--net)}.h-bad{fill:var(--bad)}.h-on{fill:var(--pick)}
.m,.k{background:hsl(var(--h,210) var(--fill));border:1px solid hsl(var(--h,210) var(--edge));
border-radius:4px;color:var(--ink)}
.m{width:126px;height:20px;margin-top:2px;padding:0 6px;font-size:11.5px;line-height:18px;
text-align:center;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;text-decoration:none;
cursor:pointer}
.k{padding:1px 7px}
.timer{background:var(--paper);border-style:dashed}
.piped{background:var(--paper);border-left-width:4px}
.signal,.host,.step{background:var(--soft);border-color:var(--arrow);color:var(--dim);
border-radius:10px}
.m.overtook,.k.overtook{box-shadow:0 0 0 2px var(--paper),0 0 0 3.5px var(--pick)}
.m.failed,.k.failed{background:var(--bad);border-color:var(--bad);color:var(--paper);
font-weight:600}
.flow{transform:translateX(-50%);margin-top:5px;padding:0 5px;line-height:14px;font-size:10.5px;
background:var(--paper);color:var(--net);border-radius:3px;white-space:nowrap}
.flow.bad{color:var(--bad);font-weight:600}
.bar{left:0;right:0;height:24px;margin-top:2px;--c:var(--dim);color:var(--c);line-height:22px;
border-top:1px solid var(--c);background:color-mix(in srgb,var(--c) 8%,transparent)}
.bar span{position:sticky;left:112px;padding:0 10px;font-size:12px;font-weight:600;
white-space:nowrap;display:inline-block;max-width:92vw;overflow:hidden;text-overflow:ellipsis}
.bar.note{background:none;border-top-style:dotted}.bar.note span{font-weight:400}
.bar.order{--c:var(--pick);border-top-style:dashed;background:none;opacity:.8}
.bar.order span{font-weight:400;font-size:11px}
.bar.fault{--c:var(--fault)}.bar.heal,.bar.up{--c:var(--good)}
.bar.crash,.bar.wrong,.bar.fail{--c:var(--bad)}
.bar.crash{border-top-width:2px}
.bar.fail{background:var(--bad);color:var(--paper)}
.strip{position:absolute;right:0;top:0;bottom:0;width:14px;background:var(--soft);
border-left:1px solid var(--line)}
.strip a{position:absolute;left:2px;right:2px;height:4px;border-radius:2px;background:var(--arrow)}
.strip a.note{height:2px;opacity:.6}.strip .fault{background:var(--fault)}
.strip .heal,.strip .up{background:var(--good)}
.strip .crash,.strip .wrong,.strip .fail,.strip .failed{background:var(--bad)}
:target{outline:2px solid var(--pick);outline-offset:1px}
.m,.bar{scroll-margin:120px 200px}
.picked .m,.picked .flow,.picked path{opacity:.22}
.picked marker path{opacity:1}
.picked .m.on{opacity:1;box-shadow:0 0 0 2px var(--pick)}
.picked .m.next{opacity:1}
.picked path.on{opacity:1;visibility:visible;stroke:var(--pick);stroke-width:2;
marker-end:url(#h-on)}
.picked path.next{opacity:.9;visibility:visible}
.off{opacity:.1!important}
.nonet .flow,.nonet path.f,.noown .timer.m,.noarr path.a:not(.on){visibility:hidden}
#info{position:absolute;right:26px;bottom:14px;width:min(560px,70%);max-height:70%;overflow:auto;
padding:12px 16px;background:var(--paper);border:1px solid var(--line);border-radius:8px;
box-shadow:0 8px 30px #0004;z-index:9}
#info pre{white-space:pre-wrap;overflow-wrap:anywhere;margin:0 0 8px;font-size:11.5px}
#info ol{margin:4px 0 0;padding-left:24px}#info a{color:inherit}
#info small{color:var(--dim)}
@media print{body,.frame,main{display:block;overflow:visible;height:auto}.tools{display:none}}
"""

SCRIPT = """
(() => {
const one = q => document.querySelector(q), all = q => [...document.querySelectorAll(q)];
const main = one('main'), plot = one('.plot'), info = one('#info'), marks = all('.m');
document.documentElement.classList.add('js');
const causeOf = m => document.getElementById((m.getAttribute('href') || '').slice(1));
const effects = new Map();
for (const m of marks) {
  const cause = causeOf(m);
  if (cause) effects.set(cause, [...(effects.get(cause) || []), m]);
}
function light(m, name) {
  m.classList.add(name);
  const arrow = document.getElementById('a' + m.id.slice(1));
  if (arrow) arrow.classList.add(name);
}
function clear() {
  plot.classList.remove('picked');
  for (const each of all('.plot .on, .plot .next')) each.classList.remove('on', 'next');
  info.hidden = true;
}
function item(m) {
  const li = document.createElement('li'), link = document.createElement('a');
  link.href = '#' + m.id;
  link.textContent = m.textContent;
  const where = document.createElement('small');
  where.textContent = ' ' + (m.title.split('\\n')[1] || '');
  li.append(link, where);
  return li;
}
function pick(m) {
  clear();
  plot.classList.add('picked');
  const chain = [];
  let at = m;
  for (; at && chain.length < 12; at = causeOf(at)) { chain.push(at); light(at, 'on'); }
  const next = effects.get(m) || [];
  for (const each of next) light(each, 'next');
  const text = document.createElement('pre');
  text.textContent = m.title;
  info.replaceChildren(text);
  const told = 'how it came about, backwards' + (at ? ' (12 turns)' : '');
  for (const [title, list] of [[told, chain], ['what it led to', next]]) {
    if (!list.length) continue;
    const head = document.createElement('strong'), ol = document.createElement('ol');
    head.textContent = title;
    ol.append(...list.map(item));
    info.append(head, ol);
  }
  info.hidden = false;
}
plot.addEventListener('click', event => {
  const m = event.target.closest('.m');
  if (m) { event.preventDefault(); pick(m); } else clear();
});
document.addEventListener('keydown', event => {
  if (event.key === 'Escape') clear();
  if (event.key !== 'Enter' || !event.target.matches('.m')) return;
  event.preventDefault();
  pick(event.target);
});
one('.tools').addEventListener('submit', event => event.preventDefault());
one('#find').addEventListener('input', event => {
  const words = event.target.value.toLowerCase().split(/\\s+/).filter(word => word && word !== '-');
  for (const m of all('.m, .plot .flow')) {
    const text = (m.textContent + ' ' + m.title).toLowerCase();
    const fits = word => word[0] === '-' ? !text.includes(word.slice(1)) : text.includes(word);
    m.classList.toggle('off', !words.every(fits));
  }
});
for (const [id, name] of [['net', 'nonet'], ['own', 'noown'], ['arr', 'noarr']])
  one('#' + id).addEventListener('change', e => plot.classList.toggle(name, !e.target.checked));
let zoom = 1;
for (const [id, factor] of [['in', 1.2], ['out', 1 / 1.2]])
  one('#' + id).addEventListener('click', () => {
    const place = main.scrollTop / main.scrollHeight;
    zoom = Math.min(2, Math.max(.3, zoom * factor));
    one('.sheet').style.zoom = zoom;
    main.scrollTop = place * main.scrollHeight;
  });
if (!location.hash && one('#failure')) main.scrollTop = main.scrollHeight;
})();
"""
