# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Holds what an episode of a soak lost against what is promised. Pure. What the harness itself was late with is measured
and taken off by rule: the generator's own gaps inside a loss window, and how late the clock of sidestepd was around the
verdict. A session that was called down though nothing had failed is a failure of its own from then on; it is counted."""
from dataclasses import dataclass, field
from itertools import combinations

from .flows import IN_FLIGHT_NS
from .promises import PROTECTED, WHOLE

MOST_MS = 10.0  # no protected pair is ever longer without service
SLACK_MS = 1.0  # above what is promised for a detection: the packets in between are 1 ms apart
SHARE = 0.99  # of the windows that are that short
NEAR_NS = 30_000_000  # a verdict so long after a window began belongs to it


@dataclass
class Strike:
    """A failure that happened: CLOCK_MONOTONIC in nanoseconds. `onsets` are the spans in which packets began to vanish."""
    text: str
    links: frozenset
    began_ns: int
    ended_ns: int
    onsets: list
    silent: bool = True


@dataclass
class Told:
    """A verdict of a sidestepd: its link was called down."""
    ns: int
    node: str
    link: str
    late_ms: float = 0.0  # of its clock around then


@dataclass
class Lost:
    """One loss window, judged. `violation` is empty where all is as promised."""
    flow: str
    start_ns: int
    ms: float  # without the generator's own gaps
    packets: int
    promise: str = None
    late_ms: float = 0.0
    silent: bool = True  # all failures that it met
    starved: bool = False
    violation: str = ""


@dataclass
class Case:
    """All that an episode was."""
    promises: object
    strikes: list
    told: list
    limit_ms: float  # what is promised for a detection
    refused_ms: float = 12.0  # the same by the kernel alone, where the interface refuses probes (SS_UNSENT_FACTOR)
    without: set = field(default_factory=set)  # routers whose detector was taken away
    dropped: int = 0  # packets that the machine's own queues dropped meanwhile

    def false_downs(self):
        """Verdicts on links that had not failed."""
        return [told for told in self.told
                if not any(told.link in strike.links and strike.began_ns <= told.ns for strike in self.strikes)]


def own_gaps_ms(flow, start_ns, end_ns):
    """How much of this time the generator was late: what is above one interval between two sends."""
    usual = 1e9 / flow.rate
    late = 0.0
    for before, after in zip(flow.sent_ns, flow.sent_ns[1:]):
        if before >= end_ns:
            break
        if after > start_ns and after - before > usual:
            late += after - before - usual
    return late / 1e6


def judge_flow(case, flow):
    """A Lost for each loss window of a FlowResult."""
    last = flow.sent_ns[-1] if flow.sent_ns else 0
    found = []
    for window in flow.windows:
        end = window.end_ns if window.end_ns is not None else max(last, window.start_ns)
        lost = Lost(f"{flow.source} -> {flow.target}", window.start_ns,
                    max(0.0, (end - window.start_ns) / 1e6 - own_gaps_ms(flow, window.start_ns, end)), window.lost)
        lost.violation = judge_window(case, flow, window, end, lost)
        if lost.violation and case.dropped:
            lost.starved, lost.violation = True, ""
        found.append(lost)
    return found


def promise_of(case, flow, window, end, met):
    """What holds whichever links that work again are trusted already. Both ends decide that alone, and one may learn of its
    carrier up to a second later than the other: traffic may use such a link, and no repair may rely on it."""
    healed = [strike for strike in met if strike.ended_ns <= end]
    lasting = frozenset().union(*(strike.links for strike in met if strike not in healed),
                                {told.link for told in case.false_downs() if told.ns <= end + NEAR_NS})
    distrusted = frozenset().union(*(strike.links for strike in healed))
    promises = {case.promises.of(flow.source, flow.target, lasting.union(*(strike.links for strike in some)), case.without,
                                 distrusted)
                for count in range(len(healed) + 1) for some in combinations(healed, count)}
    if None in promises:
        return None
    return PROTECTED if PROTECTED in promises else WHOLE


def judge_window(case, flow, window, end, lost):
    """What promise it breaks; empty: none."""
    if window.end_ns is None:
        return "never recovered"
    met = [strike for strike in case.strikes if strike.began_ns - IN_FLIGHT_NS <= end]
    lost.promise = promise_of(case, flow, window, end, met)
    now = [strike for strike in met if window.start_ns <= strike.ended_ns + IN_FLIGHT_NS]
    if not now:
        return "lost while nothing had failed" if lost.promise else ""
    if lost.promise == WHOLE:
        return "lost though its path was whole"
    if lost.promise != PROTECTED:
        return ""
    lost.late_ms = max((told.late_ms for told in case.told
                        if window.start_ns - NEAR_NS <= told.ns <= end + NEAR_NS), default=0.0)
    most = MOST_MS + lost.late_ms
    if any(not strike.silent for strike in now):
        most = max(most, case.refused_ms + SLACK_MS + lost.late_ms)
    lost.silent = all(strike.silent for strike in now)
    onsets = [onset for strike in now for onset in strike.onsets]
    if not any(begin - IN_FLIGHT_NS <= window.start_ns <= stop + most * 1e6 for begin, stop in onsets):
        return "lost after the repair was in place"
    if lost.ms > most:
        return f"{lost.ms:.2f} ms without service, promised are {case.limit_ms:.2f} ms"
    return ""


def is_slow(lost, limit_ms):
    """Whether a protected pair was longer without service than a detection by probes takes. Where the interface went, too,
    it refuses probes, and the verdict is the process's, or the kernel's after more of them."""
    return lost.promise == PROTECTED and lost.silent and not lost.starved and lost.ms > limit_ms + SLACK_MS + lost.late_ms
