# SPDX-License-Identifier: MIT
"""Sorts result lines into rows of scenarios, timelines of both sides, and benches."""

from collections import namedtuple

import metrics
from lines import is_number, is_text, value_text

SIDES = "before", "after"  # any other label is a column of its own
TARGETS = {"real": "real Wolf", "lab": "lab", "interpipe": "gst-interpipe"}
Verdict = namedtuple("Verdict", "name mark words meaning")
VERDICTS = FAULT, CALM, INCONCLUSIVE, HELD, BROKEN = (
    Verdict("fault", "●", "fault shown", "expected without the fix"),
    Verdict("calm", "–", "no fault", "none is expected, or not every time"),
    Verdict("inconclusive", "?", "inconclusive", "the fault did not show this time"),
    Verdict("held", "✓", "held", "the promise held"),
    Verdict("broken", "✕", "not held", "the promise did not hold"))

def target_title(target):
    return TARGETS.get(target, target)

def line_verdict(line):
    """pass, fail or inconclusive; lines of earlier versions say only whether they pass."""
    hidden = any(text.startswith("fault not shown") for text in line.texts("failed"))
    return line.text("verdict") or (
        "pass" if line.data["pass"] else "inconclusive" if hidden else "fail")

class Cell:
    """All lines of one scenario, target and label."""

    def __init__(self, scenario, label):
        self.scenario, self.label, self.lines = scenario, label, []
        self.side = label if label in SIDES else None

    def worst(self):
        """The key metric of the worst line, and that line."""
        text, badness, worst = None, -1, self.lines[-1]
        for line in self.lines:
            metric = metrics.metric_of(self.scenario, line, self.side == "before")
            if metric and metric[1] > badness:
                (text, badness), worst = metric, line
        return text, worst

    def count(self, verdict):
        return [line_verdict(line) for line in self.lines].count(verdict)

    @property
    def verdict(self):
        if self.count("fail"):
            return BROKEN
        if not self.count("pass") or (self.side is None and self.count("inconclusive")):
            return INCONCLUSIVE
        if self.side is None:
            return FAULT if any(line.find("broken") for line in self.lines) else HELD
        if self.side == "after":
            return HELD
        shown = any(metrics.shows_fault(self.scenario, line) for line in self.lines)
        return FAULT if shown else CALM

    @property
    def runs(self):
        runs, some = len(self.lines), self.count("fail")
        if self.side == "before" and self.count("inconclusive"):
            some = some or self.count("pass")
        return "" if runs == 1 else f" in {some} of {runs} runs" if some else f", {runs} runs"

    @property
    def failed(self):
        return list(dict.fromkeys(text for line in self.lines for text in line.texts("failed") + [
            f"fault not shown: {name}" for name in line.texts("not_shown")]))

class Row:
    def __init__(self, target, scenario, number):
        self.target, self.scenario, self.id = target, scenario, f"s{number}"
        self.title, self.cells = metrics.title_of(scenario), {}

    def side(self, side):
        return next((cell for cell in self.cells.values() if cell.side == side), None)

    @property
    def sorted_cells(self):
        order = ("before", "after", None)
        return sorted(self.cells.values(), key=lambda cell: (order.index(cell.side), cell.label))

    @property
    def failed(self):
        return any(cell.failed for cell in self.cells.values())

    def metric(self, cell):
        first = [side and side.lines[0] for side in (self.side("before"), self.side("after"))]
        return cell.worst()[0] or metrics.difference(cell.lines[0], *first)

class Timeline:
    """Latency and sockets of one line over time, in seconds from /cancel, if there was one."""

    def __init__(self, line):
        self.line, self.patience_ms = line, line.number("latency.patience_ms") or 0
        if self.patience_ms <= 0:
            raise line.error('"latency" has no "patience_ms" above 0')
        lists = (line.tuples("latency.samples", "[ms, ms or null]", is_number,
                             lambda value: value is None or is_number(value)),
                 line.tuples("sockets", "[ms, established, close_wait, unaccepted]",
                             *[is_number] * 4),
                 line.tuples("events", "[ms, name]", is_number, is_text))
        cancel = [ms for ms, name in lists[2] if name == "cancel"]
        self.from_cancel, zero = bool(cancel), (cancel or [0])[0]
        self.samples, self.sockets, self.events = (
            [((ms - zero) / 1000, *rest) for ms, *rest in items] for items in lists)

    def event(self, name):
        return next((at for at, other in self.events if other == name), None)

    def meanwhile(self):
        """Between /cancel and the release: requests, unanswered ones, the slowest answer in ms."""
        begin, end = self.event("cancel"), self.event("released")
        if begin is None or end is None:
            return 0, 0, None
        times = [ms for at, ms in self.samples if begin <= at < end]
        slowest = max((ms for ms in times if ms is not None), default=None)
        return len(times), times.count(None), slowest

Pair = namedtuple("Pair", "target scenario sides")  # sides: {"before": Timeline, …}

class Bench(namedtuple("Bench", "title unit value p10 p90 limit is_min baseline rounds")):
    @property
    def held(self):
        if self.limit is None:
            return None
        return self.value >= self.limit if self.is_min else self.value <= self.limit

    @property
    def kind(self):
        if not self.limit or self.limit < 0:
            return "free" if self.baseline else None
        return "rate" if self.is_min else "cost"

    def say(self, value):
        return "–" if value is None else value_text(value, self.unit)

    @property
    def limit_words(self):
        return f"{'≥' if self.is_min else '≤'} {self.say(self.limit)}"

    @property
    def words(self):
        said = self.say(self.value)
        if self.held is False and said == self.say(self.limit):  # by less than the digits show
            said = f"just {'under' if self.is_min else 'over'} {said}"
        return said if self.limit is None else f"{said} (limit {self.limit_words})"

# What bench-interpipe compares: name, limit, whether it is a minimum, the only case with a limit.
RATIOS = {"rate": ("delivered/s", 0.9, True, None),
          "p99_us": ("p99 of a call", 1 / 0.9, False, "16 switchers")}

def bench_of(line):
    name, unit, limit_is = line.text("case"), line.text("unit"), line.text("bound_is")
    if name and line.number("ratio") is not None:
        words, limit, is_min, only = RATIOS[line.text("figure")]
        return Bench(f"{words}: {name}", "ratio", *(
            line.number(member) for member in ("ratio", "ratio_q1", "ratio_q3")),
            limit if only in (None, name) else None, is_min, "unpatched plugin", line.find("pairs"))
    for member, found in ("case", name), ("unit", unit), ("value", line.number("value")):
        if found is None:
            raise line.error(f'a bench without "{member}"')
    if limit_is not in (None, "max", "min"):
        raise line.error('"bound_is" is neither "max" nor "min"')
    figure = f", {line.text('figure')}" if line.text("figure") else ""
    return Bench(f"{line.text('bench')}: {name}{figure}", unit, *(
        line.number(member) for member in ("value", "p10", "p90", "bound")),
        limit_is == "min", line.text("baseline"), line.find("rounds"))

class Report:
    def __init__(self, lines):
        self.lines, self.benches, self.unused = lines, [], 0
        rows, pairs = {}, {}
        for line in lines:
            if line.text("scenario") is not None:
                self.add_scenario(line, rows, pairs)
            elif line.text("bench") is not None and "value" in line.data or (
                    line.text("figure") in RATIOS and "ratio" in line.data):
                self.benches.append(bench_of(line))
            else:  # rounds and what was compared; the lines with the ratios sum them up
                self.unused += line.text("bench") != "interpipe"
        order = {name: place for place, name in enumerate([*TARGETS, *metrics.SCENARIOS])}
        self.rows = sorted(rows.values(), key=lambda row: (
            order.get(row.target, 999), row.target, order.get(row.scenario, 999)))
        self.pairs = sorted(pairs.values(), key=lambda pair: order.get(pair.target, 999))
        self.targets = list(dict.fromkeys(row.target for row in self.rows))

    @staticmethod
    def add_scenario(line, rows, pairs):
        label, target, scenario = (line.text(name) for name in ("label", "target", "scenario"))
        for member, found in ("label", label), ("target", target):
            if found is None:
                raise line.error(f'a scenario without "{member}"')
        if not isinstance(line.find("pass"), bool):
            raise line.error('"pass" is not true or false')
        line.texts("failed") + line.texts("not_shown")
        key = target, scenario
        row = rows.setdefault(key, Row(*key, len(rows) + 1))
        row.cells.setdefault(label, Cell(scenario, label)).lines.append(line)
        timeline = Timeline(line) if line.find("latency.samples") is not None else None
        if timeline and timeline.samples and label in SIDES:
            pairs.setdefault(key, Pair(*key, {})).sides[label] = timeline

    def of_target(self, target, sides):
        """The labels and rows of a target's cells on @sides."""
        rows = [row for row in self.rows if row.target == target
                and any(cell.side in sides for cell in row.cells.values())]
        cells = [cell for row in rows for cell in row.sorted_cells if cell.side in sides]
        cells.sort(key=lambda cell: sides.index(cell.side))
        return list(dict.fromkeys(cell.label for cell in cells)), rows

    def verdicts(self, target, side):
        return [cell.verdict for row in self.rows if row.target == target
                for cell in row.cells.values() if cell.side == side]

    def texts(self, member):
        values = [line.find(member) for line in self.lines]
        return sorted({str(value) for value in values if is_text(value) or is_number(value)}
                      - {"unknown"})

    def not_measured(self):
        """Pairs of a target, or None, and what is missing there."""
        for target in TARGETS:
            if target not in self.targets:
                yield target, "no line at all"
            elif target != "interpipe" and not any(pair.target == target for pair in self.pairs):
                yield target, "no timeline"
        if not self.benches:
            yield None, "no bench"
        for row in self.rows:
            missing = [side for side in SIDES if not row.side(side)]
            if missing:
                yield row.target, f"{row.title}: no line from {' or '.join(missing)}"
