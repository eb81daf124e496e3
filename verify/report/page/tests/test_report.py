#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""wolf-report on result lines written by hand; its verdicts; where its charts put texts.

tidy (5.6 or later) checks the page: an error or a warning fails.
"""

import contextlib
import io
import os
import re
import runpy
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml
from pathlib import Path
from unittest import mock

TESTS = Path(__file__).resolve().parent
PROGRAM, FULL, HOSTILE = TESTS.parent / "wolf-report", TESTS / "full.jsonl", TESTS / "hostile.jsonl"
sys.dont_write_bytecode = True
sys.path.insert(0, str(TESTS.parent))

import charts  # noqa: E402
import model  # noqa: E402
from lines import Line, read_lines  # noqa: E402

REPORT = runpy.run_path(str(PROGRAM))
SVG = re.compile("<svg .*?</svg>", re.DOTALL)
CONTROL = "[\0-\x08\x0b-\x1f\x7f-\x9f]"
# What makes a page need something else, or run something.
FOREIGN = ("<script", "http:", "https:", " src=", "url(", "@import", "<iframe", "<object", "<embed",
           "<img", "<base", "<form", " onload=", ' onerror="', "javascript:")
SCENARIO = '{"scenario":"timeline","label":"after","target":"lab"'
LATENCY = SCENARIO + ',"pass":true,"latency":{"patience_ms":9,"samples":'

def complaints(path):
    tidy = subprocess.run(["tidy", "-quiet", "-errors", path], capture_output=True, text=True)
    return tidy.stderr if tidy.returncode == 0 else f"{tidy.returncode}: {tidy.stderr}"

def span(shape):
    """Where a text of a chart begins and ends, for the average letter."""
    width, kinds = len(shape["words"]) * charts.LETTER, shape["kind"].split()
    begin = float(shape["x"]) - width * ("end" in kinds) - width / 2 * ("mid" in kinds)
    return begin, begin + width

def text_faults(chart):
    """Texts that are clipped, touch each other or get too small on a screen of 320 px."""
    texts = [shape for shape in chart.shapes if "words" in shape]
    for i, one in enumerate(texts):
        (a, b), y = span(one), float(one["y"])
        if a < -1 or b > chart.width + 1 or not 10 <= y <= chart.height - 2:
            yield f"clipped: {one['words']}"
        for other in texts[:i]:
            if abs(y - float(other["y"])) < 12 and a < span(other)[1] and span(other)[0] < b:
                yield f"touch: {one['words']} / {other['words']}"
    if chart.form != "wide" and 13 * (320 - 16) / chart.width < 11:
        yield "too small"

class ReportTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.dir = Path(folder.name)
        self.out, self.page = self.dir / "a" / "report", self.dir / "a" / "report" / "index.html"

    def run_report(self, *arguments):
        """In this process, which is faster: the exit status, and what it prints."""
        with contextlib.redirect_stdout(io.StringIO()) as out, \
                contextlib.redirect_stderr(io.StringIO()) as err:
            return REPORT["main"]([str(one) for one in arguments]), out.getvalue(), err.getvalue()

    def make_page(self, lines):
        """From a file, or from text."""
        if not isinstance(lines, Path):
            (self.dir / "lines.jsonl").write_text(lines, "latin-1")
            lines = self.dir / "lines.jsonl"
        return self.run_report("--out", self.out, lines)

    def good_page(self, lines):
        self.assertEqual(self.make_page(lines), (0, "", ""))
        self.assertEqual(complaints(self.page), "")
        html = self.page.read_text("utf-8")
        for svg in SVG.findall(html):
            xml.fromstring(svg)
        return html

    def assert_wrong(self, ended, says):
        status, _, err = ended
        self.assertEqual(status, 2, err)
        self.assertIn(says, err)
        self.assertRegex(err, r"\Awolf-report: [^\n]*\n\Z")

    def test_full(self):
        html = self.good_page(FULL)
        self.assertEqual([sign for sign in FOREIGN if sign in html], [])
        # Latency and three kinds of benches in two forms, sockets of two sides.
        self.assertEqual(len(SVG.findall(html)), 2 + 2 + 6)
        for text in (
                "no answer", "before: 2 of 3 unanswered, the others 1.6\u00a0s at most",
                "after: all 5 answered, slowest 14\u00a0ms", ">source stuck<",
                "/cancel: no answer in 8\u00a0s", "/cancel: 41\u00a0ms",
                '<td class="calm" data-side="',
                '<td class="inconclusive" data-side="before"',
                "<b>not held</b> in 1 of 2 runs<br><span>7 of 9 pipelines see EOS",
                "after: not held: every pipeline sees EOS", '<th scope="col">without-inherit</th>',
                '<td class="fault" data-side="without-inherit"',
                '<td class="held" data-side="without-stop"',
                '<td class="broken" data-side="without-tokens"',
                '<td class="inconclusive" data-side="without-threads"',
                "crashed: Segmentation fault", "0.80\u00a0×", "≥ 0.90\u00a0×: missed",
                "node-lifetime-listen: no line from after", "0a4e766, 0a4e766+17",
                "1 of them: neither"):
            self.assertIn(text, html)
        self.assertNotIn("did not pass", html)
        links = re.findall('href="#([^"]*)"', html)
        self.assertEqual(len(links), 5 + 8)
        self.assertEqual([link for link in links if f'id="{link}"' not in html], [])
        # A page that cannot be made leaves the old one.
        self.assert_wrong(self.make_page("{"), "lines.jsonl:1")
        self.assertEqual(html, self.page.read_text("utf-8"))
        self.assertEqual(os.listdir(self.out), ["index.html"])

    def test_empty_sections(self):
        for line, *says in (
                ('{"scenario":"abuse","label":"after","target":"real","pass":true}',
                 "No line has a timeline", "No line has the states", "no line of a bench",
                 "no line from before"),
                ('{"bench":"b","case":"c","unit":"ns","value":3,"p10":null,"bound":null}',
                 "no line of a scenario", "no line at all", "No line has a timeline", "3\u00a0ns"),
                (LATENCY + "[[1,2]]}}", "There is no line from before", "No line has the states",
                 "no line of a bench", "all 1 requests answered"),
                (LATENCY.replace("true", "false") + '[[1,2]]},"failed":["not held: x"]}',
                 "The run from after did not pass", "after: not held: x"),
                ("{}", "no line of a scenario", "1 of them: neither", "no bench", "No line")):
            html = self.good_page(line)
            self.assertEqual([text for text in says if text not in html], [])

    def test_hostile(self):
        html = self.good_page(HOSTILE)
        self.assertNotRegex(html, "<script|<img|<iframe|<i>|</title><s|" + CONTROL)
        for text in ("&lt;script&gt;alert(1)&lt;/script&gt;", "&lt;/text&gt;&lt;script&gt;z&lt;",
                     "&#34;&gt;&lt;img src=x onerror=alert(1)&gt;"):
            self.assertIn(text, html)

    def test_checks_find_faults(self):
        head, tail = self.good_page(FULL).split("</main>")
        for plant in ("<b><p>crossed</b></p>", "<li>in no list</li>", "</section>",
                      '<p id="latency">an id that there is already</p>', "<nonsense>x</nonsense>"):
            self.page.write_text(f"{head}{plant}</main>{tail}", "utf-8")
            self.assertNotEqual(complaints(self.page), "", plant)

    def test_bad_lines(self):
        for lines, says in (
                ("", "lines.jsonl: no result lines"), ("\n  \n", "lines.jsonl: no result lines"),
                ('{}\n{"a":\n', "lines.jsonl:2: not JSON"),
                ("[" * 100000, "not JSON"), ("\n\n[1]\n", "lines.jsonl:3: JSON, but no object"),
                ('{"a":"\xff"}', "lines.jsonl:1: not UTF-8"),
                ('{"scenario":"x"}', 'lines.jsonl:1: a scenario without "label"'),
                ('{"scenario":"x","label":"y"}', 'lines.jsonl:1: a scenario without "target"'),
                (SCENARIO + "}", 'lines.jsonl:1: "pass" is not true or false'),
                (SCENARIO + ',"pass":1}', '"pass" is not true or false'),
                (SCENARIO + ',"pass":true,"failed":"x"}', '"failed" is not a list of texts'),
                (SCENARIO + ',"pass":true,"failed":[1]}', '"failed" is not a list of texts'),
                (LATENCY.replace("9", "0") + "[]}}", 'no "patience_ms" above 0'),
                (LATENCY + "7}}", '"latency.samples" is not a list'),
                (LATENCY + "[[1]]}}", '"latency.samples" is not a list'),
                (LATENCY + "[[null,1]]}}", '"latency.samples" is not a list'),
                (LATENCY + '[]},"sockets":[[1,2,3]]}', '"sockets" is not a list'),
                (LATENCY + '[]},"events":[[1,2]]}', '"events" is not a list'),
                ('{"bench":"x","value":1}', 'a bench without "case"'),
                ('{"bench":"x","value":1,"case":"y","unit":"us","bound_is":"about"}', "neither")):
            self.assert_wrong(self.make_page(lines), says)
            self.assertFalse(self.page.exists())

    def test_bad_use(self):
        for says, *arguments in (
                ("nothing to write", FULL), ("no file of result lines", "--out", self.out),
                ("--nonsense", "--nonsense"), ("absent.jsonl", "--out", self.out, "absent.jsonl"),
                (str(self.dir), "--out", self.out, self.dir), ("cannot write", "--out", FULL, FULL),
                ("cannot write /proc/nowhere", "--out", "/proc/nowhere", FULL),
                ("belong together", "--chart", "latency-real", FULL),
                ("--picture is now --chart", "--picture", "latency-real", FULL),
                ("have: bench-cost bench-cost-narrow", "--chart", "x", "--svg", "x.svg", FULL),
                ("/proc/x.svg", "--chart", "latency-real", "--svg", "/proc/x.svg", FULL)):
            self.assert_wrong(self.run_report(*arguments), says)
        with mock.patch.dict(sys.modules, jinja2=None):
            self.assert_wrong(self.run_report("--out", self.out, FULL), "python3-jinja2")

    def test_text_and_chart(self):
        ended = subprocess.run([PROGRAM, "--text", "--chart", "sockets-real-before", "--svg",
                                self.dir / "x.svg", FULL], capture_output=True, text=True)
        self.assertEqual((ended.stderr, ended.returncode), ("", 0))
        for text in ("[real Wolf]", "● /cancel: no answer in 8", "✓ /cancel: 41",
                     "✕ NOT HELD: 7 of 9 pipelines see EOS", "? inconclusive: 9 of 9",
                     "with one fix off each: 4 runs, 1 faults, 2 not as expected", "✕ MISSED: 1.3"):
            self.assertIn(text, ended.stdout)
        texts = "".join(xml.parse(self.dir / "x.svg").getroot().itertext())
        self.assertIn("prefers-color-scheme: dark", texts)
        self.assertNotRegex(self.run_report("--text", HOSTILE)[1], CONTROL)

class ChartTest(unittest.TestCase):
    def test_texts(self):
        report = model.Report(read_lines([FULL]))
        pair, forms = report.pairs[0], ("wide", "narrow")
        for chart in [charts.latency(pair, form) for form in forms] + [
                charts.benches(report.benches, kind, form)
                for kind in charts.BENCHES for form in forms] + [charts.sockets(pair, "after")]:
            self.assertEqual(list(text_faults(chart)), [], chart.title)
        chart = charts.sockets(pair, "before")
        label = next(shape for shape in chart.shapes if shape.get("words") == "source stuck")
        for x, y, says in ("-9", label["y"], "clipped"), ("4", "14", "touch"):
            label.update(x=x, y=y)
            self.assertIn(says, " ".join(text_faults(chart)))
        chart.width = 400
        self.assertIn("too small", list(text_faults(chart)))

class VerdictTest(unittest.TestCase):
    """A wrong verdict of a cell has to fail here."""

    def test_verdicts(self):
        good, hidden = {"pass": True}, {"pass": False, "failed": ["fault not shown: x"]}
        bad, new = {"pass": False, "failed": ["not held: x"]}, {"pass": False, "verdict": "fail"}
        unsure, broken = {"pass": False, "verdict": "inconclusive"}, {"pass": True, "broken": ["x"]}
        for verdict, scenario, label, *lines in (
                (model.FAULT, "cancel-dead", "before", good),
                (model.CALM, "abuse", "before", {"pass": True, "close_wait": 0}),
                (model.FAULT, "abuse", "before", {"pass": True, "close_wait": 3}),
                (model.INCONCLUSIVE, "cancel-dead", "before", hidden),
                (model.INCONCLUSIVE, "cancel-dead", "before", unsure),
                (model.FAULT, "cancel-dead", "before", hidden, good),
                (model.BROKEN, "cancel-dead", "before", bad, good),
                (model.HELD, "cancel-dead", "after", good),
                (model.BROKEN, "cancel-dead", "after", good, bad),
                (model.BROKEN, "cancel-dead", "after", new),
                (model.INCONCLUSIVE, "cancel-dead", "after", unsure),
                (model.FAULT, "cancel-dead", "without-stop", broken),
                (model.HELD, "cancel-dead", "without-stop", good),
                (model.BROKEN, "cancel-dead", "without-stop", {**broken, **bad}),
                (model.INCONCLUSIVE, "cancel-dead", "without-stop", hidden)):
            head = {"scenario": scenario, "label": label, "target": "lab"}
            report = model.Report([Line("x", 1, {**head, **line}) for line in lines])
            self.assertEqual(report.rows[0].cells[label].verdict, verdict, (scenario, label, lines))

if __name__ == "__main__":
    unittest.main()
