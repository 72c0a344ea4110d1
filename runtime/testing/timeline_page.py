"""The HTML of a timeline: what is drawn where, and every text escaped."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from html import escape

from runtime.testing.campaign import innermost
from runtime.testing.report import revision
from runtime.testing.simulation import Run
from runtime.testing.timeline_drawing import BAR, EDGE, HALF, LANE, ROW, Drawing, Lane
from runtime.testing.timeline_style import SCRIPT, STYLE

TICKS_MAX = 300
"""Marks of the strip that leads to what stands out."""
LOUD = ("crash", "up", "fault", "wrong", "heal", "fail", "failed", "note")
NAMES = {"network": "network", "tasks": "tasks", "outside": "actors"}


def page(drawing: Drawing, run: Run, *, name: str, replay: str) -> str:
    """The whole document."""
    drawing.height += EDGE
    width = max(len(drawing.lanes), 4) * LANE
    verdict = "failed" if run.failure is not None else "passed"
    title = f"{name}, seed {run.plan.seed}: {verdict}"
    return "\n".join(
        [
            "<!DOCTYPE html>",
            f'<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<style>{STYLE}</style></head><body>",
            *_header(drawing, run, name, replay),
            '<div class="frame"><main tabindex="0">',
            f'<div class="sheet" style="width:{width + 112}px">',
            *_heads(drawing),
            f'<div class="times" style="height:{drawing.height}px">',
            *_times(drawing),
            f'</div><div class="plot" style="height:{drawing.height}px">',
            *_ground(drawing, width),
            *_marks(drawing),
            '</div></div></main><nav class="strip" aria-label="what stands out">',
            *_strip(drawing),
            '</nav><aside id="info" hidden></aside></div>',
            f"<script>{SCRIPT}</script></body></html>\n",
        ]
    )


def _header(drawing: Drawing, run: Run, name: str, replay: str) -> Iterator[str]:
    failed = run.failure is not None
    yield f'<header class="{"bad" if failed else "good"}"><h1>{escape(name)} '
    yield f"<span>{'failed' if failed else 'passed'} with seed {run.plan.seed}</span></h1>"
    if run.failure is not None:
        yield f'<pre class="failure">{escape(chr(10).join(innermost(run.failure)))}</pre>'
    facts = [
        ("scheduler", run.scheduler),
        ("virtual time", f"{run.seconds:,.3f} s"),
        ("trace", f"{run.steps:,} lines"),
        ("digest", run.digest),
        ("revision", revision()),
        *((option, str(value)) for option, value in sorted(run.plan.options.items())),
        *(("kill", str(crash)) for crash in run.plan.crashes),
    ]
    shown = (f"<div><dt>{escape(key)}</dt><dd>{escape(value)}</dd></div>" for key, value in facts)
    yield f'<dl>{"".join(shown)}</dl><p class="replay"><code>{escape(replay)}</code></p>'
    yield f'<p class="scope">{escape(_scope(drawing, failed=failed))}</p>'
    yield (
        '<form class="tools"><input type="search" id="find" placeholder="filter: words, -words" '
        'title="actors, messages, values; a minus leaves out">'
        '<label><input type="checkbox" id="net" checked>network</label>'
        '<label><input type="checkbox" id="own" checked>timers</label>'
        '<label><input type="checkbox" id="arr" checked>arrows</label>'
        '<button type="button" id="out">&minus;</button><button type="button" id="in">+</button>'
        "<span>click a message: how it came about</span></form>"
        '<p class="legend"><i class="k message">message</i><i class="k timer">timer</i>'
        '<i class="k piped">slow work ended</i><i class="k signal">supervision</i>'
        '<i class="k failed">handler failed</i><i class="k overtook">overtook others</i>'
        "<i>? asks for an answer</i></p></header>"
    )


def _scope(drawing: Drawing, *, failed: bool) -> str:
    rows = len(drawing.marks) - failed
    told = [f"{rows:,} things happened, all drawn"]
    if drawing.left_out:
        told = [f"only the last {rows:,} of {rows + drawing.left_out:,} things are drawn"]
    drawn = sum(mark.kind == "order" for mark in drawing.marks)
    if drawing.choices and not drawn:
        told.append(
            f"{drawing.choices:,} overtakings among tasks are not drawn (`sim shrink` leaves those "
            "that matter)"
        )
    if drawing.clean_up:
        told.append(f"{drawing.clean_up:,} lines of clean-up behind the failure are left out")
    return "; ".join(told) + "."


def _heads(drawing: Drawing) -> Iterator[str]:
    yield '<div class="corner">virtual<br>seconds</div><div class="heads">'
    before = ""
    for place, lane in enumerate(drawing.lanes):
        group = NAMES.get(lane.group, f"actors of {lane.group}")
        if group != before:
            span = sum(other.group == lane.group for other in drawing.lanes) * LANE
            where = f"left:{place * LANE}px;width:{span}px"
            yield f'<b class="group" style="{where}"><s>{escape(group)}</s></b>'
        before = group
        above, _, last = lane.name.rpartition("/")
        small = f"<small>{escape(above)}/</small>" if above else ""
        yield (
            f'<div class="lane" style="left:{place * LANE}px" title="{escape(lane.name)}">'
            f"{small}<strong>{escape(last)}</strong></div>"
        )
    yield "</div>"


def _times(drawing: Drawing) -> Iterator[str]:
    before = None
    for mark in drawing.marks:
        second = f"{mark.second:.6f}"
        if second != before:
            whole, _, part = second.partition(".")
            top = mark.y + ((ROW if mark.lane is not None else BAR) - ROW) // 2
            yield f'<time style="top:{top}px">{int(whole):,}<s>.{part}</s></time>'
        before = second


def _ground(drawing: Drawing, width: int) -> Iterator[str]:
    """Lifelines, times when a node is away, silences, and arrows."""
    for place, lane in enumerate(drawing.lanes):
        first = place == 0 or drawing.lanes[place - 1].group != lane.group
        yield f'<div class="life{" first" * first}" style="left:{place * LANE}px"></div>'
    for lane, top, end in _away(drawing):
        left = drawing.x(lane) - LANE // 2
        yield f'<div class="away" style="left:{left}px;top:{top}px;height:{end - top}px"></div>'
    for y, seconds in drawing.gaps:
        yield f'<div class="gap" style="top:{y}px"><span>{_length(seconds)} of silence</span></div>'
    yield f'<svg width="{width}" height="{drawing.height}" aria-hidden="true"><defs>'
    for kind in ("told", "flow", "bad", "on"):
        yield (
            f'<marker id="h-{kind}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
            f'markerHeight="7" orient="auto"><path class="h-{kind}" d="M0 0L8 4L0 8z"/></marker>'
        )
    yield "</defs>"
    yield from _arrows(drawing)
    yield "</svg>"


def _away(drawing: Drawing) -> Iterator[tuple[Lane, int, int]]:
    down: dict[str, int] = {}
    spans: list[tuple[str, int, int]] = []
    for mark in drawing.marks:
        if mark.kind == "crash":
            down[mark.more] = mark.y + BAR // 2
        elif mark.kind == "up":
            spans.append((mark.more, down.pop(mark.more, 0), mark.y + BAR // 2))
    spans += [(node, top, drawing.height) for node, top in down.items()]
    for node, top, end in spans:
        for lane in drawing.lanes:
            if node == (lane.name if lane.group == "network" else lane.group):
                yield lane, top, end


def _length(seconds: float) -> str:
    if seconds < 120:  # noqa: PLR2004 - two minutes
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def _arrows(drawing: Drawing) -> Iterator[str]:
    drawn = {mark.step: mark for mark in drawing.marks if mark.lane is not None}
    for mark in drawing.marks:
        if mark.lane is None:
            continue
        x, y = drawing.x(mark.lane), mark.y + ROW // 2
        if mark.to is not None:
            kind = " bad" * ("bad" in mark.kind)
            yield f'<path class="f{kind}" d="M{x} {y}H{drawing.x(mark.to)}"/>'
            continue
        cause = drawn.get(-1 if mark.cause is None else mark.cause)
        if cause is None or cause.lane is None:
            continue
        start, top = drawing.x(cause.lane), cause.y + ROW // 2
        if start == x:  # from its own past: beside the lane
            path = f"M{x - HALF} {top}C{x - HALF - 12} {top} {x - HALF - 12} {y} {x - HALF} {y}"
            yield f'<path class="a self" id="a{mark.step}" d="{path}"/>'
            continue
        side = 1 if x > start else -1
        start, x = start + side * HALF, x - side * HALF
        bend = max(24, min(90, abs(x - start) // 2)) * side
        path = f"M{start} {top}C{start + bend} {top} {x - bend} {y} {x} {y}"
        yield f'<path class="a" id="a{mark.step}" d="{path}"/>'


def _marks(drawing: Drawing) -> Iterator[str]:
    drawn = {mark.step for mark in drawing.marks if mark.lane is not None}
    for mark in drawing.marks:
        text = escape(mark.text)
        if mark.lane is None:
            name = "failure" if mark.kind == "fail" else f"n{mark.step}"
            where = f'class="bar {mark.kind}" id="{name}" style="top:{mark.y}px"'
            yield f"<div {where}><span>{text}</span></div>"
        elif mark.to is not None:
            left = (drawing.x(mark.lane) + drawing.x(mark.to)) // 2
            yield (
                f'<span class="{mark.kind}" style="left:{left}px;top:{mark.y}px" '
                f'title="{escape(mark.more)}">{text}</span>'
            )
        else:
            cause = f' href="#e{mark.cause}"' if mark.cause in drawn else ""
            left = drawing.x(mark.lane) - HALF
            yield (
                f'<a id="e{mark.step}" class="m {mark.kind}"{cause} tabindex="0" '
                f'style="left:{left}px;top:{mark.y}px;--h:{_hue(mark.what)}" '
                f'title="{escape(mark.more or mark.text)}">{text}</a>'
            )


def _strip(drawing: Drawing) -> Iterator[str]:
    loud = [mark for mark in drawing.marks if set(mark.kind.split()) & set(LOUD)]
    for mark in loud[-TICKS_MAX:]:
        kind = mark.kind if mark.lane is None else "failed"
        name = "failure" if mark.kind == "fail" else f"{'en'[mark.lane is None]}{mark.step}"
        where = f'href="#{name}" style="top:{100 * mark.y / drawing.height:.2f}%"'
        yield f'<a class="{kind}" {where} title="{escape(mark.text)}"></a>'


def _hue(what: str) -> int:
    """A colour of its own for each type of message, the same on every page."""
    return zlib.crc32(what.rstrip("?").encode()) % 360
