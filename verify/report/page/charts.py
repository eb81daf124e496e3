# SPDX-License-Identifier: MIT
"""The charts: shapes in CSS pixels with classes of templates/chart.css, which knows light and dark.

A chart's narrow form keeps its 13 px letters above 11 px on a screen of 320 px.
"""

import math
import textwrap

from lines import time_text
from model import SIDES, target_title

FORMS = {"wide": 760, "narrow": 320, "half": 340}  # and their width
LETTER = 7  # average width of a 13 px letter
LINE = 17  # height of a line of text
EVENTS = {"stuck": "source stuck", "cancel": "/cancel", "released": "source let go"}
BENCHES = {  # kind: title, title of the axis
    "cost": ("What guard’s calls cost", "1 = the limit; less is better"),
    "rate": ("What the plugin still delivers", "1 = the limit; more is better"),
    "free": ("Measured, nothing promised", "1 = the baseline")}

def px(number):
    return f"{number:.1f}".removesuffix(".0")

def rectangle(left, top, right, bottom):
    return f"M{px(left)} {px(top)}H{px(right)}V{px(bottom)}H{px(left)}z"

def ticks(begin, end, most, smallest=1e-300):
    """At most some @most round numbers from @begin to @end."""
    raw = max((end - begin) / most, smallest)
    power = 10 ** math.floor(math.log10(raw))
    step = next(step for step in (1, 2, 5, 10, 20) if step * power >= raw * 0.999) * power
    first = math.ceil(begin / step)
    return [step * (first + i) for i in range(int((end - first * step) / step + 1e-9) + 1)]

class Chart:
    def __init__(self, form, title, target=None):
        self.form, self.width, self.target, self.shapes = form, FORMS[form], target, []
        self.title, self.description = title + (f", {target_title(target)}" if target else ""), ""

    def path(self, kind, d):
        if d:
            self.shapes.append({"kind": kind, "d": d})

    def text(self, kind, x, y, words):
        self.shapes.append({"kind": kind, "x": px(x), "y": px(y), "words": words})

    def set_x(self, left, right, begin, end):
        self.left, self.right, self.begin = left, self.width - right, begin
        self.end = end if end > begin else begin + 1

    def x(self, value):
        share = (value - self.begin) / (self.end - self.begin)
        return self.left + share * (self.right - self.left)

    def set_y(self, top, height):
        self.top, self.bottom, self.height = top, top + height, top + height + 2 * LINE + 10

    def x_axis(self, title):
        numbers = ticks(self.begin, self.end, (self.right - self.left) / 45)
        self.path("s-muted", f"M{px(self.left)} {px(self.bottom)}H{px(self.right)}" + "".join(
            f"M{px(self.x(number))} {px(self.bottom)}v4" for number in numbers))
        for number in numbers:
            self.text("f-muted mid", self.x(number), self.bottom + LINE, f"{number:g}")
        below = self.bottom + 2 * LINE + 4
        self.text("f-muted mid", (self.left + self.right) / 2, below, title)
        if self.target:
            self.text("f-text", 2, below, target_title(self.target))

    def y_grid(self, y, words):
        self.path("s-grid", f"M{px(self.left)} {px(y)}H{px(self.right)}")
        self.text("f-muted end", self.left - 5, y + 4, words)

    def add_events(self, events, above, height):
        """Puts each (time, words, kind) above the plot in a row where it touches no other."""
        rows, placed = [], []
        for at, words, kind in sorted(events, reverse=True):  # no line then crosses a label
            words = textwrap.shorten(words, 40, placeholder="…") or "…"
            x, width = self.x(at), len(words) * LETTER
            begin = x if x + width < self.width else max(x - width, 2)
            row = next((i for i, edge in enumerate(rows) if begin + width + 8 < edge), len(rows))
            rows[row:row + 1] = [begin]
            placed.append((x, row, begin, words, kind))
        self.set_y(above + 6 + LINE * len(rows), height)
        for x, row, begin, words, kind in placed:
            y = self.top - 6 - row * LINE
            self.path(f"dash s-{kind}", f"M{px(x)} {px(self.bottom)}V{px(y + 3)}")
            self.text(f"f-{kind}{' end' * (begin < x)}", max(x, begin), y, words)

def summary(timeline, side, brief=False):
    requests, none, slowest = timeline.meanwhile()
    if not requests:
        return side
    if none:
        rest = "" if brief or slowest is None else f", the others {time_text(slowest)} at most"
        return f"{side}: {none} of {requests} unanswered{rest}"
    return f"{side}: all {requests} answered, {'≤' if brief else 'slowest'} {time_text(slowest)}"

def shared_events(sides, same):
    """Both sides' events as (time, words, kind); one for both where they agree."""
    for side, other in SIDES, reversed(SIDES):
        for at, name in sides[side].events if side in sides else []:
            there = sides[other].event(name) if other in sides else None
            agree = there is not None and abs(there - at) < same
            if not agree or side == "before":
                yield at, EVENTS.get(name, name), "text" if agree or len(sides) == 1 else side

def latency(pair, form="wide"):
    """Each request is a mark where it was sent, or without an answer a bar in the band on top."""
    sides, chart = pair.sides, Chart(form, "The HTTPS port through the fault", pair.target)
    patience = max(side.patience_ms for side in sides.values())
    times = [at for side in sides.values() for at, _ in side.events]
    times += [end for side in sides.values() for at, ms in side.samples
              for end in (at, at + (side.patience_ms if ms is None else ms) / 1000)]
    lowest = max(min([10] + [ms for side in sides.values() for _, ms in side.samples if ms]), 0.01)
    floor, room = 10 ** math.floor(math.log10(lowest / 2.6)), (max(times) - min(times)) * 0.015
    chart.set_x(76, 10, min(times) - room, max(times) + room)
    chart.add_events(shared_events(sides, (chart.end - chart.begin) * 0.02), 0,
                     320 if form == "wide" else 290)

    def y(ms):
        share = math.log(max(ms, floor) / floor) / math.log(patience * 10 / floor)
        return chart.bottom - share * (chart.bottom - chart.top)

    band = rectangle(chart.left, chart.top, chart.right, y(patience * 1.7))
    chart.shapes.insert(0, {"kind": "f-band", "d": band})
    for words, down in ("no answer", -3), (f"in {time_text(patience)}", LINE - 3):
        chart.text("f-before end", 71, y(patience * 4.1) + down, words)
    decades = max(math.ceil(math.log10(patience * 0.7 / floor)), 1)
    for power in range(0, decades, math.ceil(decades / 8)):
        chart.y_grid(y(floor * 10 ** power), time_text(floor * 10 ** power))
    chart.x_axis("seconds from /cancel" if any(side.from_cancel for side in sides.values())
                 else "time in seconds")
    for side in SIDES:
        if side in sides:
            draw_latency(chart, sides[side], side, patience, lowest / 1.7, y)
    chart.description = (
        "Each request of one client that asks again and again, by the time it was sent; between "
        "/cancel and the moment at which the source is let go: "
        + "; ".join(summary(sides[side], side) for side in SIDES if side in sides) + ".")
    return chart

def draw_latency(chart, timeline, side, patience, label_ms, y):
    dots, bars, span = "", "", chart.end - chart.begin
    low = patience * (6.2 if side == "before" else 4.3)
    for at, ms in timeline.samples:
        took = (timeline.patience_ms if ms is None else ms) / 1000
        if ms is not None and took <= span * 0.015:
            dots += f"M{px(chart.x(at))} {px(y(ms))}h0"
        else:
            lower, upper = (low, low * 1.3) if ms is None else (ms / 1.1, ms * 1.1)
            bars += rectangle(chart.x(at), y(upper), chart.x(at + took - span * 0.001), y(lower))
    chart.path(f"dots s-{side}", dots)
    chart.path(f"f-{side}", bars)
    none, begin, end = timeline.meanwhile()[1], timeline.event("cancel"), timeline.event("released")
    height = patience * 2.7 if none else label_ms * (0.55 if side == "before" else 1)
    middle = (chart.left + chart.right) / 2
    if chart.form == "wide" and begin is not None and end is not None:
        middle = chart.x((begin + end) / 2)
    chart.text(f"f-{side} mid{' bare' * bool(none)}", middle, y(height) + 4,
               summary(timeline, side, chart.form == "narrow"))

def sockets(pair, side):
    """The states of the port's sockets over time; both sides of a pair have one scale."""
    timeline, chart = pair.sides[side], Chart("half", f"Sockets on the port, {side}", pair.target)
    every = [item for other in pair.sides.values() for item in other.sockets]
    most = max(4, *(count for _, *counts in every for count in counts)) * 1.08
    chart.set_x(40, 12, min(item[0] for item in every), max(item[0] for item in every))
    events = [(at, EVENTS.get(name, name), "muted") for at, name in timeline.events]
    chart.add_events(events, 40, 170)

    def y(count):
        return chart.bottom - count * (chart.bottom - chart.top) / most

    for number in ticks(0, most, 6, 1):
        chart.y_grid(y(number), f"{number:g}")
    chart.x_axis("seconds from /cancel" if timeline.from_cancel else "time in seconds")
    chart.text(f"f-{side} strong", 2, 14, side)
    said = []
    for place, (name, kind, x) in enumerate((("established", "curve s-plain", 2),
                                             ("CLOSE_WAIT", f"thick s-{side}", 117),
                                             ("not accepted", "dotted s-text", 231))):
        chart.path(kind, f"M{x} 32h16")
        chart.text("f-text", x + 20, 36, name)
        counts = [(at, counts[place]) for at, *counts in timeline.sockets]
        start = f"M{px(chart.x(counts[0][0]))} {px(y(counts[0][1]))}"
        chart.path(kind, start + "".join(f"H{px(chart.x(at))}V{px(y(count))}"
                                         for at, count in counts[1:]))
        said.append(f"{max(count for _, count in counts):.0f} {name}")
    chart.description = f"At most {', '.join(said)}."
    return chart

def benches(every, kind, form="wide"):
    """A bar for each bench: its value by its limit or baseline. None: there is no such bench."""
    chosen = [bench for bench in every if bench.kind == kind]
    if not chosen:
        return None
    chart = Chart(form, BENCHES[kind][0])
    far = [(bench.p90 or bench.value) / (bench.limit or 1) * 1.05 for bench in chosen]
    # The axis ends at 4, whatever a bar does: its words tell the value.
    chart.set_x(8, 14, 0, min(max(1.3, *far), 4))
    titles = [textwrap.wrap(bench.title, (chart.width - 16) // LETTER) for bench in chosen]
    chart.set_y(8, sum(len(title) * LINE + LINE + 28 for title in titles))
    edge = {"cost": (1, chart.end), "rate": (0, 1), "free": (0, 0)}[kind]
    chart.path("f-shade", rectangle(chart.x(edge[0]), chart.top, chart.x(edge[1]), chart.bottom))
    chart.x_axis(BENCHES[kind][1])
    chart.path("dash s-text", f"M{px(chart.x(1))} {chart.top}V{chart.bottom}")
    y = chart.top
    for bench, title in zip(chosen, titles):
        for line in title:
            y += LINE
            chart.text("f-text", 8, y, line)
        bar, words = {None: ("plain", "text"), True: ("good",) * 2, False: ("bad",) * 2}[bench.held]
        chart.text(f"f-{words}", 8, y + LINE, bench.words)
        value, low, high = (
            None if number is None else chart.x(max(0, min(number / (bench.limit or 1), chart.end)))
            for number in (bench.value, bench.p10, bench.p90))
        chart.path(f"f-{bar}", rectangle(chart.left, y + LINE + 6, value, y + LINE + 20))
        if low is not None and high is not None:
            chart.path("s-text", f"M{px(low)} {y + LINE + 9}v8m0 -4H{px(high)}m0 -4v8")
        y += LINE + 28
    chart.description = " ".join(f"{bench.title}: {bench.words}." for bench in chosen)
    return chart
