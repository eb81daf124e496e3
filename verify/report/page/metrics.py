# SPDX-License-Identifier: MIT
"""What a scenario is called, and its key metric: its words, and how bad it is (0: no fault).

An unknown scenario has the first metric that BY_MEMBER finds, or the member that differs most.
"""

import json

from lines import count_text, number_text, time_text

def answer(what, member="cancel_ms", never="no answer"):
    """A time, or null: no answer within the scenario's patience."""
    def say(line):
        ms, patience = line.number(member), line.number("patience_ms")
        if ms is not None:  # the slowest answer is the worst one
            return f"{what}: {time_text(ms)}", ms * 1e-9
        some = f" in {time_text(patience)}" if patience else ""
        return (f"{what}: {never}{some}", 1e300) if line.is_null(member) else None
    return say

def unanswered(what, prefix, of=None):
    """How many of many had no answer, or the slowest answer."""
    def say(line):
        none, total = line.number(prefix + "unanswered"), line.number(of or "")
        slowest = line.number(prefix + "slowest_ms")
        if none is None:
            return None
        if none > 0:
            some = f" of {total:.0f}" if total is not None and total >= none else ""
            return f"{what}: no answer to {none:.0f}{some}", none
        words = f"{what}: all{'' if total is None else f' {total:.0f}'} answered"
        return (words, 0) if slowest is None else (
            f"{words}, slowest {time_text(slowest)}", slowest * 1e-9)
    return say

def count(what, member, of=None):
    """How many of what should be none."""
    def say(line):
        number, total = line.number(member), line.number(of or "")
        if number is None:
            return None
        some = f" of {count_text(total)}" if total is not None else ""
        return f"{count_text(number)}{some} {what}", number
    return say

def numbers(words, members, badness):
    """Several numbers in one sentence; @words and @badness are functions of them."""
    def say(line):
        values = [line.number(member) for member in members]
        return None if None in values else (words(*values), badness(*values))
    return say

def moments_words(lost, none, tried):
    return f"of {tried:.0f} stops {lost:.0f} lost, {none:.0f} unanswered" if lost + none else \
        f"all {tried:.0f} stops kept and answered"

def switch_storm(line):
    switches, alive = line.number("switches"), line.find("alive")
    if switches is None or alive is None:
        return None
    words = "{} switches answered" if alive is True else "crashed after {} switches"
    return words.format(count_text(switches)), int(alive is not True)

def timeline(line):
    none = [ms for _, ms in line.find("latency.samples", [])].count(None)
    total = len(line.find("latency.samples", []))
    words = f"no answer to {none} of {total} requests" if none else f"all {total} requests answered"
    return (f"HTTPS: {words}", none) if total else None

def log_line(line):
    if line.is_null("unexpected_line"):
        return "the log says nothing", 1
    return ("the log names it", 0) if line.text("unexpected_line") is not None else None

def lock_calls(line):
    calls = line.find("ms")
    never = list(calls.values()).count(None) if isinstance(calls, dict) else 0
    return (f"{never} of {len(calls)} calls never return", never) if calls else None

def crash(line):
    return (line.text("ended"), 1) if line.text("ended") is not None else None

CANCEL, PAUSE, STOP = answer("/cancel"), answer("sessions/pause", "pause_ms"), "stop_ms"
LEFT = count("pipelines left running", "after.pipelines", "tries")
CLOSE_WAIT = count("sockets left in CLOSE_WAIT", "close_wait")
MOMENTS = numbers(moments_words, ("lost", "unanswered", "moments"), lambda lost, no, _: lost + no)
END = answer("end", "exit_ms", "never")
BY_MEMBER = (crash, unanswered("/cancel", "cancel_", "sessions"), CANCEL, answer("stop", STOP), END,
             unanswered("calls", ""))
# name: (title, metric). The order is the order of the rows.
SCENARIOS = {
    "timeline": ("HTTPS port through the fault", timeline),
    "cancel-stuck-create": ("/cancel, source stuck in create()", CANCEL),
    "cancel-stuck-push": ("/cancel, source stuck in a push", CANCEL),
    "cancel-stuck-start": ("/cancel, source stuck in start()", CANCEL),
    "cancel-dead": ("/cancel, source’s thread dead", CANCEL),
    "cancel-many": ("/cancel of many stuck sessions", BY_MEMBER[1]),
    "api-stop-stuck": ("API stop of a stuck session", answer("sessions/stop", STOP)),
    "pause-stuck-source": ("API pause, source stuck", PAUSE),
    "pause-stuck-encoder": ("API pause, encoder stuck", PAUSE),
    "input-while-ending": ("Input after /cancel", unanswered("input", "cancelled_")),
    "input-state-lock": ("Input while a state lock is held", unanswered("input", "")),
    "stop-at-each-moment": ("Stop at each moment of a start", MOMENTS),
    "race-api": ("API: stop races with start", LEFT),
    "race-launch": ("/cancel races with /launch", LEFT),
    "return-at-once": ("A client returns at once", count(
        "second sessions ended by the first", "second_session_ended", "tries")),
    "cancel-before-ping": ("Cancelled, then pings", count("audio packets afterwards", "audio")),
    "cycles": ("Sessions made and ended in turn", numbers(
        "{:.0f} cycles: {:.0f} → {:.0f} threads".format,
        ("cycles", "before.threads", "after.threads"), lambda _, old, new: max(new - old, 0))),
    "sigterm-streaming": ("SIGTERM while streaming", numbers(
        "{:.0f} of {:.0f} pipelines see EOS".format, ("pipelines_eos", "pipelines"),
        lambda some, total: total - some)),
    "sigterm-quarantine": ("SIGTERM with stuck sessions", END),
    "inherited": ("A program started meanwhile", count("sockets inherited", "child_sockets")),
    "abuse": ("Abusive clients", CLOSE_WAIT),
    "lobby-switch": ("Lobby: join and leave", count("stuck frames", "lobby_stuck_video")),
    "lobby-cancel-stuck-create": ("Lobby: /cancel, source stuck in create()", CANCEL),
    "lobby-cancel-stuck-push": ("Lobby: /cancel, source stuck in a push", CANCEL),
    "lobby-leave-stuck": ("Lobby: the last leaves, source stuck",
                          answer("lobbies/leave", "leave_last_ms")),
    "lobby-stop-stuck": ("Lobby: stop, source stuck", answer("lobbies/stop", STOP)),
    "lobby-start-stuck": ("Lobby: stop, source stuck in start()", answer("lobbies/stop", STOP)),
    "lobby-switch-stuck": ("Lobby: leave, switch stuck", answer("lobbies/leave", "leave_ms")),
    "lobby-stop-at-each-moment": ("Lobby: stop at each moment of a start", MOMENTS),
    "race-lobby": ("Lobby: stop and start race", count("programs left", "programs_left", "tries")),
    "switch-storm": ("Lobbies: a storm of switches", switch_storm),
    "stop-storm": ("A storm of starts and stops, one stuck",
                   unanswered("stops", "meanwhile_", "meanwhile_stops")),
    "relaunch": ("A stuck client comes back, and again", answer("first /cancel", "cancel_0_ms")),
    "thread-ends": ("A streaming thread ends", log_line),
    "malformed": ("Messages that cannot be read", count("messages ended it", "ended", "messages")),
    "idle": ("Idle connections", CLOSE_WAIT),
    "stress": ("Everything at once", count("rounds crashed", "crashed", "rounds")),
    "locks": ("A thread keeps a lock", lock_calls),
}
# Upstream passes these without the fault: always, or now and then.
NOT_ALWAYS = {"race-api", "race-launch", "return-at-once", "cycles", "abuse", "lobby-switch",
              "race-lobby", "switch-storm", "idle", "stress", "locks"}
# Members that the page shows elsewhere, and those whose difference says nothing.
ELSEWHERE = {"scenario", "label", "target", "failed", "not_shown", "broken", "pass", "verdict",
             "latency", "sockets", "events"}
NEUTRAL = {"took_ms", "rounds", "moments", "reads", "sent", "tries", "warnings", "criticals",
           "long", "pass", "faults"}

def title_of(scenario):
    return SCENARIOS[scenario][0] if scenario in SCENARIOS else scenario

def metric_of(scenario, line, fault=False):
    """The key metric of one line. @fault: the line shows a fault, perhaps in another member."""
    metric = SCENARIOS[scenario][1](line) if scenario in SCENARIOS else None
    if metric and (not fault or metric[1] >= 1 or scenario in NOT_ALWAYS):
        return metric
    others = (say(line) for say in BY_MEMBER)
    return next((other for other in others if other and (not metric or other[1] > 1)), metric)

def shows_fault(scenario, line):
    metric = metric_of(scenario, line) if scenario in NOT_ALWAYS else None
    return metric is None or metric[1] >= 1

def weight(name, bad, good):
    """How much a member says by its difference between the sides; 0: nothing."""
    if name in NEUTRAL or name.startswith(("healthy_", "released_")) \
            or not isinstance(good, (bool, int, float)) or isinstance(bad, (list, dict, str)):
        return 0
    if bad is None or bad == good:
        return 4 if bad is None else 0
    return 3 if isinstance(good, bool) else 2 if good == 0 else 1

def difference(own, before, after):
    """The member that differs most between the sides, as @own has it."""
    weights = {name: weight(name, before.data[name], after.data[name])
               for name in before.data if name in after.data} if before and after else {}
    name = max(weights, key=weights.get, default="")
    if weights.get(name) and name in own.data:
        value = own.data[name]
        words = "none" if value is None else "yes" if value is True else "no" if value is False \
            else number_text(value)
        return f"{name.replace('_', ' ')}: {words}"
    criticals = own.number("criticals") or 0
    return f"{criticals:.0f} GLib critical{'s' * (criticals != 1)}" if criticals > 0 else None

def words_of(line, path):
    """One member of a line, for the table of all members."""
    value, number = line.find(path, ""), line.number(path)
    if value is None:
        return "no answer" if path.endswith("ms") or path.startswith("ms.") else "–"
    if number is None:
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return count_text(number) if number == int(number) and abs(number) < 1e15 else f"{number:g}"

def table(row):
    """{member: words of each cell's worst line}; a name with a dot in it is no path."""
    lines = [cell.worst()[1] for cell in row.sorted_cells]
    paths = {path: None for line in lines for name, value in line.data.items()
             for path in ([f"{name}.{other}" for other in value if "." not in other]
                          if isinstance(value, dict) else [name])
             if name not in ELSEWHERE and "." not in name}
    return {path: [words_of(line, path) for line in lines] for path in paths}
