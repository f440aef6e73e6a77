# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A soak (docs/lab.md): one lab with Sidestep on every router, random events for as long as asked, and what each may cost."""
import json
import subprocess
import time
from dataclasses import dataclass, field

from . import chaos, judge, leaks
from .daemons import wait_for
from .net import LabNet
from .plan import LabError, program
from .promises import Promises

SETTLE = 30  # seconds that the network has to be as it was before an episode
AFTER = 0.1  # seconds of traffic once it is
RESTARTED = ("detector-restarted",)  # these take the kernel's part along
UNSENT_FACTOR = 4  # SS_UNSENT_FACTOR of bpf/lib/judge.h
SILENT = ("silent-drop", "node-crash", "flapping")


@dataclass
class EpisodeResult:
    episode: object
    lost: list  # of judge.Lost
    false_downs: int
    violations: list  # sentences
    timeline: list = field(repr=False, default_factory=list)  # of strikes, verdicts and losses, in order
    dropped: int = 0


@dataclass
class SoakResult:
    limit_ms: float
    refused_ms: float
    episodes: list = field(default_factory=list)
    leaks: list = field(default_factory=list)
    up_seconds: float = 0.0
    seconds: float = 0.0

    @property
    def protected(self):
        """The loss windows of pairs with a promise that the machine did not make by itself."""
        return [lost for episode in self.episodes for lost in episode.lost if lost.promise == judge.PROTECTED
                and not lost.starved]

    @property
    def slow(self):
        return [lost for lost in self.protected if judge.is_slow(lost, self.limit_ms)]

    @property
    def silent(self):
        return [lost for lost in self.protected if lost.silent]

    @property
    def violations(self):
        found = [(result.episode.number, text) for result in self.episodes for text in result.violations]
        if len(self.slow) > max(1, (1 - judge.SHARE) * len(self.silent)):
            found.append((None, f"{len(self.slow)} of {len(self.silent)} loss windows of protected pairs after silent failures "
                                f"were longer than the promised {self.limit_ms:.2f} ms and {judge.SLACK_MS:g} ms"))
        return found + [(None, text) for text in self.leaks]


def promised_ms(file):
    """From a failure to the verdict at most, as `sidestep check` has it for this configuration; and until the kernel alone
    gives up on an interface that refuses probes."""
    done = subprocess.run([program("sidestep"), "check", "--json", str(file)], capture_output=True, text=True, check=False)
    checked = json.loads(done.stdout)
    if not checked.get("valid"):
        raise LabError(f"{file}: {done.stdout}")
    return (max(adjacency["from_failure_max_ms"] for adjacency in checked["adjacencies"]),
            max(UNSENT_FACTOR * adjacency["multiplier"] * adjacency["interval_us"] / 1e3 for adjacency in checked["adjacencies"]))


def dropped_by_machine(net):
    """Packets that full queues of this machine have dropped so far: its backlogs, and the receivers' sockets."""
    with open("/proc/net/softnet_stat", encoding="ascii") as stat:
        dropped = sum(int(line.split()[1], 16) for line in stat)
    for node in net.hosts:
        if node.plan.router:
            continue
        with open(f"/proc/{node.pid}/net/snmp6", encoding="ascii") as counters:
            dropped += sum(int(line.split()[1]) for line in counters if line.startswith("Udp6RcvbufErrors"))
    return dropped


class Soak:
    """`progress` gets one line a step."""

    def __init__(self, experiment, seed, seconds, only=None, progress=lambda line: None):
        self.experiment, self.seed, self.seconds, self.only = experiment, seed, seconds, only
        self.progress = progress
        self.promises = Promises(experiment.plan, experiment.setups[0].sidestep.get("protect", "link"))

    def run(self):
        setup, plan = self.experiment.setups[0], self.experiment.plan
        began = time.monotonic()
        self.progress(f"building {len(plan.nodes)} nodes")
        with LabNet(plan) as net:
            net.start_sidestepd(**setup.sidestep)
            net.wait_up(2 * SETTLE)
            for flow in self.experiment.flows:
                net.wait_reachable(flow.source, flow.target)
            result = SoakResult(*promised_ms(net.routers[0].sidestepd.folder / "sidestepd.yaml"),
                                up_seconds=time.monotonic() - began)
            routes = net.routes()
            self._settle(net, routes)
            before = {node.name: leaks.holdings(node) for node in net.routers}
            busy = sorted({link.id for flow in self.experiment.flows
                           for link in self.promises.path(flow.source, flow.target)})
            number, began = (1 if self.only is None else self.only), time.monotonic()
            while not result.episodes or (self.only is None and time.monotonic() - began < self.seconds):
                done = self._episode(net, result, chaos.episode(plan, self.seed, number, self.experiment.events,
                                                                          busy), routes)
                result.episodes.append(done)
                self._tell(done)
                number += 1
            result.seconds = time.monotonic() - began
            for node in net.routers:
                result.leaks += [f"{node.name}: {text}" for text in self._kept(node, before[node.name])]
        return result

    @staticmethod
    def _kept(node, before):
        """What differs from before, and goes on to: a connection of ours may just be closing."""
        deadline = time.monotonic() + leaks.PATIENCE
        found = leaks.differences(before, leaks.holdings(node))
        while found and time.monotonic() < deadline:
            time.sleep(0.2)
            found = leaks.differences(before, leaks.holdings(node))
        return found

    def _tell(self, done):
        windows = [lost.ms for lost in done.lost if lost.promise == judge.PROTECTED]
        what = f"longest of {len(windows)} windows {max(windows):.2f} ms" if windows else "no window of a protected pair"
        self.progress(f"episode {done.episode.number}: {done.episode.describe()}: {what}"
                      + (f", {done.false_downs} false downs" if done.false_downs else ""))
        for text in done.violations:
            self.progress(f"violation in episode {done.episode.number} of seed {self.seed}: {text}")

    def _episode(self, net, result, episode, routes):
        looped = sum(node.hop_limit_exceeded() for node in net.routers)
        dropped = dropped_by_machine(net)
        flows = [net.start_flow(flow.source, flow.target, rate=flow.rate, payload=flow.payload)
                 for flow in self.experiment.flows]
        began_ns = time.monotonic_ns()
        failures = self._carry_out(net, episode, began_ns)
        trouble = ""
        try:
            self._settle(net, routes)
        except LabError as error:
            trouble = f"the network is not what it was before: {error}"
        time.sleep(AFTER)
        results = [flow.stop() for flow in flows]
        strikes = [judge.Strike(failure.describe(), frozenset(failure.link_ids(net.plan, failure.settings)),
                                failure.began_ns, failure.ended_ns, failure.onsets, failure.kind in SILENT)
                   for failure in failures]
        strikes = [strike for strike in strikes if strike.links]
        case = judge.Case(self.promises, strikes, self._told(net, began_ns), result.limit_ms, result.refused_ms,
                          without={event.settings["node"] for event in episode.events if event.kind in RESTARTED},
                          dropped=dropped_by_machine(net) - dropped)
        lost = [window for flow in results for window in judge.judge_flow(case, flow)]
        violations = [f"{window.flow}: {window.packets} packets {(window.start_ns - began_ns) / 1e6:.1f} ms after the "
                      f"beginning: {window.violation} [{episode.describe()}]" for window in lost if window.violation]
        looped = sum(node.hop_limit_exceeded() for node in net.routers) - looped
        if looped:
            violations.append(f"{looped} packets went in a circle [{episode.describe()}]")
        if trouble:
            violations.append(f"{trouble} [{episode.describe()}]")
        return EpisodeResult(episode, lost, len(case.false_downs()), violations,
                             self._timeline(case, failures, lost, began_ns), case.dropped)

    def _carry_out(self, net, episode, began_ns):
        """Begins and ends the events at their times; returns the failures."""
        steps = []
        for number, event in enumerate(episode.events):
            steps += [(event.begin, 1, number), (event.end, 0, number)]
        failures = {}
        for when, begins, number in sorted(steps):
            left = when - (time.monotonic_ns() - began_ns) / 1e9
            if left > 0:
                time.sleep(left)
            event = episode.events[number]
            if begins:
                failures[number] = net.fail(event.kind, **event.settings)
            else:
                failures[number].end()
        return list(failures.values())

    @staticmethod
    def _settle(net, routes):
        """Until all sessions are up, routes are what they were, and every policy is on its first candidate."""
        net.wait_up(SETTLE)
        wait_for(lambda: net.routes() == routes, SETTLE, "routes are others than before")

        def at_rest():
            status = [node.sidestepd.ask("status") for node in net.routers]
            return not any(one["rerouting"] or one["no_candidate"] for one in status)

        wait_for(at_rest, SETTLE, "a policy does not return to its first candidate")

    @staticmethod
    def _told(net, began_ns):
        """The verdicts of all sidestepds in this episode."""
        told = []
        for node in net.routers:
            tick_ms = node.sidestepd.ask("status")["clock"]["tick_us"] / 1e3
            for event in node.sidestepd.events():
                if event.get("event") != "down" or event["time_ns"] < began_ns or event["session"] not in net.plan.links:
                    continue
                evidence = event.get("evidence") or {}
                late = evidence.get("clock_gap_us", 0) / 1e3 - tick_ms
                told.append(judge.Told(evidence.get("verdict_ns") or event["time_ns"], node.name, event["session"],
                                       max(0.0, late)))
        return told

    @staticmethod
    def _timeline(case, failures, lost, began_ns):
        entries = [(failure.began_ns, "lab", f"begins: {failure.describe()}") for failure in failures]
        entries += [(failure.ended_ns, "lab", f"ended: {failure.describe()}") for failure in failures]
        entries += [(told.ns, told.node, f"{told.link} down, clock late by {told.late_ms:.2f} ms") for told in case.told]
        entries += [(one.start_ns, "flow", f"{one.flow}: {one.packets} packets, {one.ms:.2f} ms, "
                                           f"promise: {one.promise}, {one.violation or 'as promised'}") for one in lost]
        return [{"ms": round((ns - began_ns) / 1e6, 3), "who": who, "what": what} for ns, who, what in sorted(entries)]
