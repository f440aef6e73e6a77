# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Numbered UDP packets between two nodes, and what became of them."""
from dataclasses import dataclass, field, replace

IN_FLIGHT_NS = 20_000_000  # a packet may have been sent this long before a failure and still meet it


@dataclass(frozen=True)
class Window:
    """A run of packets that never arrived: from the sending of the first one to that of the next that arrived."""
    lost: int
    start_ns: int
    end_ns: int  # None: nothing arrived any more

    def length_ms(self, until_ns):
        return ((self.end_ns or max(until_ns, self.start_ns)) - self.start_ns) / 1e6


@dataclass
class FlowResult:
    """Times are CLOCK_MONOTONIC in nanoseconds: the clock of sidestepd's events and of BPF."""
    source: str
    target: str
    rate: float
    sent: int
    received: int
    lost: int
    reordered: int
    duplicated: int
    longest_send_gap_ms: float
    windows: list
    sent_ns: list = field(repr=False)
    arrivals: list = field(repr=False)  # of [number, when it was received by the kernel]

    @property
    def recovered(self):
        return not self.windows or self.windows[-1].end_ns is not None

    @property
    def loss_window_ms(self):
        """The longest time without packets."""
        return self.longest_between(0, self.sent_ns[-1] + 1 if self.sent_ns else 0)

    def windows_between(self, from_ns, to_ns):
        """Those that there were in this span, without what of them lay before it: in a network that is not at rest, packets
        may have been lost already when the failure came."""
        return [replace(window, start_ns=max(window.start_ns, from_ns)) for window in self.windows
                if window.start_ns < to_ns and (window.end_ns is None or window.end_ns > from_ns)]

    def longest_between(self, from_ns, to_ns):
        last = self.sent_ns[-1] if self.sent_ns else 0
        return max((window.length_ms(last) for window in self.windows_between(from_ns, to_ns)), default=0.0)

    def median_delay_ms(self, spans):
        """Of the packets that were sent in these spans (from, to) and arrived; None if there is none."""
        sent = ((self.sent_ns[number], received) for number, received in self.arrivals)
        took = sorted(received - ns for ns, received in sent if any(low <= ns < high for low, high in spans))
        return took[len(took) // 2] / 1e6 if took else None

    def lost_between(self, from_ns, to_ns):
        """Packets of the windows that began in this span."""
        return sum(window.lost for window in self.windows if from_ns <= window.start_ns < to_ns)


class Flow:
    """A running flow; `stop()` waits for what is under way and returns a FlowResult."""

    _count = 0

    def __init__(self, net, source, target, rate=1000, payload=64, count=0, ipv4=False):
        Flow._count += 1
        self._agent, self._name = net.agent, f"flow-{Flow._count}"
        self.source, self.target, self.rate = source, target, rate
        family = "address_v4" if ipv4 else "address"
        self._agent.ask(do="start", flow=self._name, to=net[target].netns, rate=rate, payload=payload,
                        count=count,
                        source=getattr(net.plan.node(source), family),
                        destination=getattr(net.plan.node(target), family), **{"from": net[source].netns})

    def stop(self):
        report = self._agent.ask(do="stop", flow=self._name)
        windows = [Window(w["lost"], w["start_ns"], w["end_ns"]) for w in report["windows"]]
        return FlowResult(self.source, self.target, self.rate, report["sent"], report["received"], report["lost"],
                          report["reordered"], report["duplicated"], report["longest_send_gap_ns"] / 1e6, windows,
                          report["sent_ns"], report["arrivals"])
