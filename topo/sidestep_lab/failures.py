# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What can go wrong in a lab. `begin` and `end` return the instant, CLOCK_MONOTONIC in nanoseconds. Silent failures are
one store in the memory of a BPF program that both ends of a link run at tc egress (topo/cut.bpf.c)."""
import signal
import threading
import time

from .plan import LabError


class Failure:
    """`needs` and `takes` are the settings of a kind; link_ids() says which links it strikes."""
    kind = ""
    needs = ()
    takes = ()

    def __init__(self, net, settings):
        self.net, self.settings = net, settings
        self.began_ns = self.ended_ns = None

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
        self.net.failures.append(self)
        return self.began_ns

    def end(self):
        if self in self.net.failures:
            self.net.failures.remove(self)
            before = time.monotonic_ns()  # packets may pass again before we know
            self.ended_ns = self.stop() or before
        return self.ended_ns

    def describe(self):
        what = ", ".join(f"{key} {value if not isinstance(value, (list, tuple)) else ' '.join(map(str, value))}"
                         for key, value in self.settings.items())
        return f"{self.kind}: {what}"


class SilentDrop(Failure):
    """Packets vanish; carrier and neighbor entries stay. `from`: only those that this node sends."""
    kind = "silent-drop"
    needs = (("link", "links"),)
    takes = ("from",)

    def direction(self):
        if "from" not in self.settings:
            return "both"
        ends = {self.net.plan.link(link).end_of(self.settings["from"])
                for link in self.link_ids(self.net.plan, self.settings)}
        if len(ends) > 1:
            raise LabError("the links have different directions from that node: fail them one by one")
        return ("forward", "backward")[ends.pop()]

    def start(self):
        return self.net.agent.ask(do="cut", links=self.link_ids(self.net.plan, self.settings),
                                  direction=self.direction())["ns"]

    def stop(self):
        return self.net.agent.ask(do="restore", links=self.link_ids(self.net.plan, self.settings))["ns"]


class Loss(SilentDrop):
    """A share of the packets vanishes, the same ones for the same seed."""
    kind = "loss"
    needs = (("link", "links"), "percent")
    takes = ("from", "seed")

    def start(self):
        return self.net.agent.ask(do="lose", links=self.link_ids(self.net.plan, self.settings),
                                  direction=self.direction(), share=self.settings["percent"] / 100,
                                  seed=self.settings.get("seed", 1) % 2**32)["ns"]


class NodeCrash(SilentDrop):
    """All links of a node at once, both ways, silently."""
    kind = "node-crash"
    needs = ("node",)
    takes = ()

    @classmethod
    def link_ids(cls, plan, settings):
        plan.node(settings["node"])
        return [link.id for link in plan.links_of(settings["node"])]


class Flapping(SilentDrop):
    """A silent drop that comes and goes, half of each period."""
    kind = "flapping"
    needs = (("link", "links"), "period")
    takes = ("from",)

    def __init__(self, net, settings):
        super().__init__(net, settings)
        self._over = threading.Event()
        self._thread = None

    def start(self):
        half = self.settings["period"] / 2
        first = super().start()

        def flap():
            due, cut = time.monotonic() + half, True
            while not self._over.wait(max(0, due - time.monotonic())):
                cut = not cut
                (SilentDrop.start if cut else SilentDrop.stop)(self)
                due += half

        self._thread = threading.Thread(target=flap)
        self._thread.start()
        return first

    def stop(self):
        self.abandon()
        return super().stop()

    def abandon(self):
        self._over.set()
        if self._thread:
            self._thread.join()


class AdminDown(Failure):
    """The interface of `node` is set down by its operator."""
    kind = "admin-down"
    needs = ("link", "node")

    def struck(self):
        """The node whose interface is set down."""
        return self.settings["node"]

    def interface(self):
        link = self.net.plan.link(self.settings["link"])
        return link.interfaces[link.end_of(self.struck())].name

    def set(self, up):
        """Not by `ip`: it would take longer to start than a detection."""
        netns = self.net[self.struck()].netns
        return self.net.agent.ask(do="set", netns=netns, interface=self.interface(), up=up)["ns"]

    def start(self):
        return self.set(False)

    def stop(self):
        ended_ns = self.set(True)
        name, node = self.interface(), self.net[self.struck()]
        # The kernel has removed the routes over it. Those of the plan come back; others belong to their daemons.
        lines = [line for line in self.net.batch_of(node).splitlines()
                 if line.startswith(("addr add", "route add")) and f" dev {name} " in line + " "]
        node.batch("".join(line.replace(" add ", " replace ", 1) + "\n" for line in lines))
        return ended_ns


class CarrierLoss(AdminDown):
    """Node `seen-by` loses the carrier of the link: the interface at the far end is set down."""
    kind = "carrier-loss"
    needs = ("link", "seen-by")

    def struck(self):
        return self.net.plan.link(self.settings["link"]).other(self.settings["seen-by"])


class DetectorKilled(Failure):
    """sidestepd of a node gets SIGKILL; `end` starts it again."""
    kind = "detector-killed"
    needs = ("node",)

    def detector(self):
        detector = self.net[self.settings["node"]].sidestepd
        if not detector:
            raise LabError(f"no sidestepd runs on {self.settings['node']}")
        return detector

    def start(self):
        self.detector().kill()

    def stop(self):
        self.detector().start()


class DetectorStopped(DetectorKilled):
    """sidestepd of a node gets SIGSTOP: it is there, and does nothing."""
    kind = "detector-stopped"

    def start(self):
        self.detector().signal(signal.SIGSTOP)

    def stop(self):
        self.detector().signal(signal.SIGCONT)

    def abandon(self):
        self.stop()


KINDS = {cls.kind: cls for cls in (SilentDrop, Loss, NodeCrash, Flapping, AdminDown, CarrierLoss, DetectorKilled,
                                   DetectorStopped)}


def check_settings(plan, kind, settings):
    """Raises LabError for what a failure of this kind cannot be. Returns its class."""
    if kind not in KINDS:
        raise LabError(f"unknown failure {kind}; there are {', '.join(KINDS)}")
    cls = KINDS[kind]
    known = set(cls.takes)
    for need in cls.needs:
        choices = need if isinstance(need, tuple) else (need,)
        known.update(choices)
        if sum(choice in settings for choice in choices) != 1:
            raise LabError(f"{kind} needs {' or '.join(choices)}")
    unknown = sorted(set(settings) - known)
    if unknown:
        raise LabError(f"{kind} does not take {unknown[0]}; it takes {', '.join(sorted(known))}")
    for link in cls.link_ids(plan, settings):
        for key in ("from", "node", "seen-by"):
            if key in settings:
                plan.link(link).end_of(settings[key])
    if "node" in settings:
        plan.node(settings["node"])
    if not 0 < settings.get("percent", 1) <= 100:
        raise LabError("percent is above 0 and at most 100")
    return cls


def start_failure(net, kind, settings):
    settings = {key.rstrip("_").replace("_", "-"): value for key, value in settings.items()}  # from_, seen_by
    failure = check_settings(net.plan, kind, settings)(net, settings)
    struck = set(failure.link_ids(net.plan, settings))
    for other in net.failures:
        both = struck & set(other.link_ids(net.plan, other.settings))
        if both:
            raise LabError(f"{', '.join(sorted(both))} has failed already ({other.kind}): end that first")
    failure.begin()
    return failure
