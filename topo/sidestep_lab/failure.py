# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What all failures of a lab have in common. `begin` and `end` return the instant, CLOCK_MONOTONIC in nanoseconds."""
import time

DURATIONS = {"period": (0.01, 3600), "delay": (0.0001, 1), "jitter": (0.00001, 1)}  # settings in seconds: least and most


def in_words(settings):
    """Of a failure, as a reader wants them: ["link A-B", "delay 2 ms"]."""
    def text(key, value):
        if key in DURATIONS:
            return f"{value * 1e3:g} ms"
        return " ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)

    return [f"{key} {text(key, value)}" for key, value in settings.items()]


class Failure:
    """`needs` and `takes` are the settings of a kind; link_ids() says which links it strikes."""
    kind = ""
    needs = ()
    takes = ()
    silent = False  # interfaces and routes stay as they are
    slow = False  # packets arrive, but late

    def __init__(self, net, settings):
        self.net, self.settings = net, settings
        self.began_ns = self.ended_ns = None
        self.overflowed = 0  # packets that the lab dropped instead of delaying them
        self.late_ms = 0.0  # how much later than it was to be a packet was at most: the machine was that busy
        self.onsets = []  # spans (from, to) in which it began to take effect; several if it comes and goes

    @classmethod
    def link_ids(cls, plan, settings):
        links = settings.get("links") or ([settings["link"]] if "link" in settings else [])
        for link in links:
            plan.link(link)
        return list(links)

    def start(self):
        pass

    def stop(self):
        pass

    def abandon(self):
        """The lab goes: nothing is mended, but no thread of ours goes on."""

    def begin(self):
        before = time.monotonic_ns()
        self.began_ns = self.start() or before
        self.onsets.insert(0, (self.began_ns, time.monotonic_ns()))
        self.net.failures.append(self)
        return self.began_ns

    def end(self):
        if self in self.net.failures:
            self.net.failures.remove(self)
            before = time.monotonic_ns()  # packets may pass again before we know
            self.ended_ns = self.stop() or before
        return self.ended_ns

    def describe(self):
        return f"{self.kind}: {', '.join(in_words(self.settings))}"
