# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Runs an experiment: each set-up has a lab of its own, in which the failures happen once per repetition."""
import random
import subprocess
import threading
import time
from dataclasses import dataclass, field

from .daemons import Restless, wait_for
from .failures import KINDS
from .flows import IN_FLIGHT_NS
from .net import LabNet
from .plan import LabError

SETTLE = 40  # seconds that a set-up has to be as it was at its beginning
# Seconds without a change of routes that count as converged. OSPF says nothing new for 5 s (MinLSInterval, RFC 2328).
QUIET = {"static": 0.3, "isis": 3.0, "ospf": 6.0}
PHASE = 0.010  # the failures of a repetition are shifted by up to this, so that they meet the probes at any phase


@dataclass
class Repetition:
    """One pass of flows and failures. `events` have "ns" on one clock; failures have "began_ns" and "ended_ns"."""
    flows: list
    failures: list
    events: list
    began_ns: int
    ended_ns: int
    looped: int = 0
    connections: list = field(default_factory=list)
    unsettled: str = ""  # why it began though the network was not at rest

    @property
    def failed_ns(self):
        """When the first link failed, or else became slow, or else the first of whatever happened."""
        links = [failure for failure in self.failures if failure["links"]]
        broken = [failure for failure in links if not KINDS[failure["kind"]].slow]
        return min(failure["began_ns"] for failure in broken or links or self.failures)

    @property
    def mended_ns(self):
        """When the last failure ended."""
        return max(failure["ended_ns"] for failure in self.failures)

    def _span(self):
        return min(failure["began_ns"] for failure in self.failures) - IN_FLIGHT_NS, self.mended_ns

    def total(self, name):
        return sum(getattr(flow, name) for flow in self.flows)

    @property
    def loss_window_ms(self):
        """The longest time without packets of any flow, of those that began while something had failed."""
        return max((flow.longest_between(*self._span()) for flow in self.flows), default=0.0)

    @property
    def disturbed_ms(self):
        """From the first lost packet to the end of the last loss window: how long packets were lost at all."""
        spans = []
        for flow in self.flows:
            windows = flow.windows_between(*self._span())
            if windows:
                spans.append((windows[-1].start_ns - windows[0].start_ns) / 1e6
                             + windows[-1].length_ms(flow.sent_ns[-1]))
        return max(spans, default=0.0)

    @property
    def lost_later(self):
        """Packets lost though nothing had failed: before, or after the last failure had ended."""
        return sum(flow.lost - flow.lost_between(*self._span()) for flow in self.flows)

    def _mended_after(self, window):
        """When the first of the failures ended that there were when this window began."""
        return min((failure["ended_ns"] for failure in self.failures
                    if failure["began_ns"] - IN_FLIGHT_NS <= window.start_ns <= failure["ended_ns"]), default=self.mended_ns)

    @property
    def recovered(self):
        """Whether every flow went on before the failure was mended."""
        for flow in self.flows:
            for window in flow.windows_between(*self._span()):
                if window.end_ns is None or window.end_ns >= self._mended_after(window):
                    return False
        return True

    @property
    def loss_derived_ms(self):
        """Loss-derived convergence time (RFC 6412): lost packets over the rate, of the worst flow."""
        return max((flow.lost_between(*self._span()) / flow.rate * 1e3 for flow in self.flows), default=0.0)

    @property
    def delay_ms(self):
        """The median time under way of the packets that were sent while something had failed, of the slowest flow."""
        spans = [(failure["began_ns"], failure["ended_ns"]) for failure in self.failures]
        return max((delay for delay in (flow.median_delay_ms(spans) for flow in self.flows) if delay is not None),
                   default=None)

    @property
    def generator_gap_ms(self):
        return max((flow.longest_send_gap_ms for flow in self.flows), default=0.0)

    @property
    def tcp_stall_ms(self):
        """The longest time in which a TCP connection got nothing while something had failed; None without connections."""
        return max((stall for stall in (flow.stall_ms(self.failed_ns - IN_FLIGHT_NS, self.mended_ns)
                                        for flow in self.connections) if stall is not None), default=None)

    @property
    def tcp_goodput(self):
        """The least share of its rate that a TCP connection had while something had failed."""
        return min((flow.goodput(self.failed_ns, self.mended_ns) for flow in self.connections), default=None)

    @property
    def detection_ms(self):
        """From the failure to the first sidestepd that called a session down; None if none did."""
        downs = [event["ns"] for event in self.events if event["source"] == "sidestepd" and event["event"] == "down"
                 and event["ns"] >= self.failed_ns - IN_FLIGHT_NS]
        return (min(downs) - self.failed_ns) / 1e6 if downs else None

    @property
    def converged_ms(self):
        """From the failure to the last route that changed before it was mended; None if none did."""
        changes = [event["ns"] for event in self.events if event["source"] == "routes"
                   and self.failed_ns <= event["ns"] <= self.mended_ns]
        return (max(changes) - self.failed_ns) / 1e6 if changes else None


@dataclass
class SetUpResult:
    setup: object
    repetitions: list = field(default_factory=list)


class RouteMonitor:
    """Notes when routes change, on all routers: when the routing protocol has converged."""

    def __init__(self, net):
        self.events = []
        self._processes, self._threads = [], []
        for node in net.routers:
            process = subprocess.Popen(["mnexec", "-a", str(node.pid), "ip", "-6", "monitor", "route"],
                                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            net.guard.watch_daemon(process.pid)
            thread = threading.Thread(target=self._read, args=(node.name, process.stdout), daemon=True)
            thread.start()
            self._processes.append(process)
            self._threads.append(thread)

    def _read(self, node, lines):
        for line in lines:
            # Ours are policy routes and SIDs, which are no sign of convergence.
            if line.strip() and " pref low" not in line and not line.startswith("local "):
                self.events.append({"ns": time.monotonic_ns(), "node": node, "source": "routes", "event": "route",
                                    "text": line.strip()})

    def close(self):
        for process in self._processes:
            process.terminate()
            process.wait()
        for thread in self._threads:
            thread.join()


class Runner:
    """`progress` gets one line a step."""

    def __init__(self, experiment, repeat=None, seed=None, progress=lambda line: None):
        self.experiment = experiment
        self.repeat = repeat or experiment.repeat
        self.seed = experiment.seed if seed is None else seed
        self.progress = progress

    def run(self):
        return [self._run_setup(setup) for setup in self.experiment.setups]

    def _run_setup(self, setup):
        result = SetUpResult(setup)
        self.progress(f"{setup.name}: building {len(self.experiment.plan.nodes)} nodes")
        with LabNet(self.experiment.plan, routing=setup.routing, **setup.igp) as net:
            self._wait_reachable(net)
            if setup.sidestep is not None:
                net.start_sidestepd(setup.nodes, **setup.sidestep)
            unsettled = self._settle(lambda: net.wait_up(SETTLE)) or self._settle(lambda: self._wait_still(net))
            routes = net.routes()
            monitor = RouteMonitor(net) if setup.routing != "static" else None
            try:
                for number in range(self.repeat):
                    repetition = self._repetition(net, monitor, number)
                    repetition.unsettled = unsettled
                    result.repetitions.append(repetition)
                    self.progress(f"{setup.name}: {number + 1} of {self.repeat}: loss window "
                                  f"{repetition.loss_window_ms:.2f} ms, {repetition.total('lost')} of "
                                  f"{repetition.total('sent')} lost")
                    if number + 1 < self.repeat:
                        unsettled = self._settle(lambda: self._wait_as_before(net, routes))
            finally:
                if monitor:
                    monitor.close()
        return result

    def _settle(self, wait):
        """Waits; a routing protocol that never comes to rest (BFD that flaps on a busy machine) is part of the result,
        so why it did not is returned."""
        try:
            wait()
        except Restless as error:
            self.progress(f"goes on though {error}")
            return str(error)
        return ""

    def _wait_reachable(self, net):
        for flow in self.experiment.flows:
            net.wait_reachable(flow.source, flow.target, SETTLE)

    def _wait_still(self, net):
        """Until the routes have stopped changing: a routing protocol finds the best path last."""
        seen = {"routes": None, "since": time.monotonic()}

        def still():
            now = net.routes()
            if now != seen["routes"]:
                seen.update(routes=now, since=time.monotonic())
            return time.monotonic() - seen["since"] >= QUIET[net.routing]

        wait_for(still, SETTLE, "the routes do not come to rest", Restless)

    def _wait_as_before(self, net, routes):
        wait_for(lambda: net.routes() == routes, SETTLE,
                 lambda: "the routes are not what they were before the failure: " + difference(routes, net.routes()),
                 LabError if net.routing == "static" else Restless)
        net.wait_up(SETTLE)
        self._wait_reachable(net)
        if net.routing != "static":
            self._wait_still(net)  # a protocol that has just changed its routes delays the next change

    def _repetition(self, net, monitor, number):
        chance = random.Random(f"{self.seed}/{self.experiment.name}/{number}")  # the same for every set-up
        shift = chance.uniform(0, PHASE)
        looped = sum(node.hop_limit_exceeded() for node in net.routers)
        if monitor:
            monitor.events.clear()
        # They go on until they are stopped: a busy machine may take longer over the failures than was planned.
        flows = [net.start_flow(flow.source, flow.target, rate=flow.rate, payload=flow.payload)
                 for flow in self.experiment.flows]
        connections = [net.start_tcp(flow.source, flow.target, flow.tcp) for flow in self.experiment.connections]
        begin_ns = time.monotonic_ns()
        failures = self._carry_out(net, begin_ns, shift, chance)
        connected = [connection.stop() for connection in connections]
        results = [flow.stop() for flow in flows]
        net.mend()
        self._settle(lambda: net.wait_up(SETTLE))  # so that the timeline has the restoration, too
        for entry in failures:
            failure = entry.pop("failure")
            entry.update(ended_ns=failure.ended_ns, overflowed=failure.overflowed, late_ms=failure.late_ms)
        events = self._events(net, begin_ns) + (list(monitor.events) if monitor else [])
        for entry in failures:
            events.append({"ns": entry["began_ns"], "node": "", "source": "lab", "event": "failure",
                           "text": entry["text"]})
            events.append({"ns": entry["ended_ns"], "node": "", "source": "lab", "event": "mended",
                           "text": entry["text"]})
        looped = sum(node.hop_limit_exceeded() for node in net.routers) - looped
        return Repetition(results, failures, sorted(events, key=lambda event: event["ns"]), begin_ns,
                          time.monotonic_ns(), looped, connected)

    def _carry_out(self, net, begin_ns, shift, chance):
        """Begins and ends the failures at their times, and returns when the experiment is over."""
        steps = []
        entries = []
        for spec in self.experiment.failures:
            settings = dict(spec.settings)
            if "seed" in KINDS[spec.kind].takes:
                settings.setdefault("seed", chance.randrange(2**32))
            entry = {"spec": spec, "settings": settings, "failure": None}
            entries.append(entry)
            steps.append((spec.begin + shift, 1, entry))
            if spec.end is not None:
                steps.append((min(spec.end + shift, self.experiment.length), 0, entry))
        for when, begins, entry in sorted(steps, key=lambda step: step[:2]):
            self._sleep_until(begin_ns, when)
            if begins:
                entry["failure"] = net.fail(entry["spec"].kind, **entry["settings"])
            else:
                entry["failure"].end()
        self._sleep_until(begin_ns, self.experiment.length)
        return [{"failure": entry["failure"], "kind": entry["spec"].kind, "text": entry["failure"].describe(),
                 "links": entry["spec"].links(net.plan), "began_ns": entry["failure"].began_ns,
                 "began_s": (entry["failure"].began_ns - begin_ns) / 1e9} for entry in entries]

    @staticmethod
    def _sleep_until(begin_ns, seconds):
        left = seconds - (time.monotonic_ns() - begin_ns) / 1e9
        if left > 0:
            time.sleep(left)

    @staticmethod
    def _events(net, begin_ns):
        events = []
        for node in net.routers:
            if not node.sidestepd or not node.sidestepd.running:
                continue
            try:
                seen = node.sidestepd.events()
            except LabError:
                continue  # it has just been started again
            for event in seen:
                if event.get("time_ns", 0) >= begin_ns:
                    what = event.get("session") or ""
                    reason = event.get("reason") or ""
                    reason = "" if reason == "none" else reason
                    events.append({"ns": (event.get("evidence") or {}).get("verdict_ns") or event["time_ns"],
                                   "node": node.name, "source": "sidestepd", "event": event.get("event", ""),
                                   "text": f"{what} {reason}".strip()})
        return events


def difference(old, new):
    """The first route that is not as it was."""
    for node, routes in old.items():
        for route in sorted(set(routes) ^ set(new[node])):
            return f"{node} {'lacks' if route in routes else 'has'} {route}"
    return "none is different now"
