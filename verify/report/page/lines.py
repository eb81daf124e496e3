# SPDX-License-Identifier: MIT
"""Result lines: from a file to checked JSON objects, each with its place. Numbers in words."""
import json

HINT = "every line is one object, as wolf-scenarios --out writes it"
NBSP = "\u00a0"  # a number and its unit stay on one line

class ReportError(Exception):
    """Something is wrong with what was given. The message names the thing and the next step."""

def is_number(value):  # NaN and Infinity are none
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= 1e300

def is_text(value):
    return isinstance(value, str)

class Line:
    def __init__(self, file, number, data):
        self.file, self.place, self.data = file, f"{file}:{number}", data

    def error(self, text):
        return ReportError(f"{self.place}: {text}")

    def find(self, path, default=None):
        """The member at a path such as "after.threads"."""
        value = self.data
        for name in path.split("."):
            if not isinstance(value, dict) or name not in value:
                return default
            value = value[name]
        return value

    def text(self, path):
        return self.find(path) if is_text(self.find(path)) else None

    def number(self, path):
        return float(self.find(path)) if is_number(self.find(path)) else None

    def is_null(self, path):
        """Whether the member is there and null, which is how lines say "no answer"."""
        return self.find(path, "") is None

    def texts(self, path):
        value = self.data.get(path, [])
        if not isinstance(value, list) or not all(map(is_text, value)):
            raise self.error(f'"{path}" is not a list of texts')
        return value

    def tuples(self, path, form, *kinds):
        """The list at @path; each element is checked against one function a place."""
        value = self.find(path, [])
        for item in value if isinstance(value, list) else [None]:
            if not isinstance(item, list) or len(item) != len(kinds) \
                    or not all(kind(part) for kind, part in zip(kinds, item)):
                raise self.error(f'"{path}" is not a list of {form}')
        return value

def parse(file, number, text):
    line = Line(file, number, None)
    try:
        line.data = json.loads(text.decode())
    except UnicodeDecodeError:
        raise line.error("not UTF-8") from None
    except (ValueError, RecursionError) as reason:
        raise line.error(f"not JSON: {reason}; {HINT}") from None
    if not isinstance(line.data, dict):
        raise line.error(f"JSON, but no object; {HINT}")
    return line

def read_lines(files):
    lines = []
    for file in files:
        try:
            with open(file, "rb") as stream:
                content = stream.read().split(b"\n")
        except OSError as reason:
            raise ReportError(f"{file}: {reason.strerror}") from None
        lines += [parse(file, number, text) for number, text in enumerate(content, 1)
                  if text.strip()]
    if not lines:
        raise ReportError(f"{', '.join(files)}: no result lines; {HINT}")
    return lines

def count_text(count):
    return f"{int(count):,}".replace("-", "−")

def number_text(value):
    if abs(value) >= 100 or value == int(value):
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2g}"

def time_text(ms):
    """41 ms, 4 s, 5.8 ms. 999.6 µs is 1 ms."""
    for size, unit in (1e3, "s"), (1, "ms"), (1e-3, "µs"), (1e-6, "ns"):
        if ms >= size * 0.9995:
            break
    value = ms / size
    return f"{value:.{0 if value >= 9.95 or value == int(value) else 1}f}{NBSP}{unit}"

def value_text(value, unit):
    """A value of a bench with its unit."""
    sizes = {"ns": 1e-6, "us": 1e-3, "ms": 1, "s": 1e3}
    if unit in sizes and value >= 0:
        return time_text(value * sizes[unit])
    return f"{value:.2f}{NBSP}×" if unit == "ratio" else f"{number_text(value)}{NBSP}{unit}"
