# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Failures of links and nodes. Silent ones are one store in the memory of a BPF program that both ends of a link run at tc
egress (topo/cut.bpf.c)."""
import threading
import time

from .failure import Failure
from .plan import LabError


class SilentDrop(Failure):
    """Packets vanish; carrier and neighbor entries stay. `from`: only those that this node sends."""
    kind = "silent-drop"
    needs = (("link", "links"),)
    takes = ("from",)
    silent = True

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


class LargePackets(SilentDrop):
    """Only packets of more than `above` bytes vanish, Ethernet header included, as behind a link of a smaller MTU that says
    nothing. TCP's segments count as the kernel has them: several at once."""
    kind = "large-packets"
    needs = (("link", "links"), "above")
    takes = ("from",)

    def start(self):
        return self.net.agent.ask(do="lose-above", links=self.link_ids(self.net.plan, self.settings),
                                  direction=self.direction(), bytes=self.settings["above"])["ns"]


class Delay(SilentDrop):
    """Packets take that much longer, in their order; what is under way at the end arrives at once. Both ways, unless
    `from` is given, so a round trip takes twice as much longer."""
    kind = "delay"
    needs = (("link", "links"), "delay")
    takes = ("from",)
    slow = True

    def start(self):
        settings = self.settings
        return self.net.agent.ask(do="delay", links=self.link_ids(self.net.plan, settings), direction=self.direction(),
                                  delay_ns=round(settings["delay"] * 1e9), jitter_ns=round(settings.get("jitter", 0) * 1e9),
                                  reorder=settings.get("reorder", False), seed=settings.get("seed", 1))["ns"]

    def stop(self):
        answer = self.net.agent.ask(do="undelay", links=self.link_ids(self.net.plan, self.settings))
        self.overflowed, self.late_ms = answer["dropped"], answer["latest_ns"] / 1e6
        return answer["ns"]


class Jitter(Delay):
    """Each packet takes longer by `delay`, more or less by up to `jitter`, as the seed has it. In their order, unless
    `reorder` is true."""
    kind = "jitter"
    needs = (("link", "links"), "delay", "jitter")
    takes = ("from", "reorder", "seed")


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
                ns = (SilentDrop.start if cut else SilentDrop.stop)(self)
                if cut:
                    self.onsets.append((ns, time.monotonic_ns()))
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

    def start(self):
        """Not by `ip`: it would take longer to start than a detection."""
        netns = self.net[self.struck()].netns
        return self.net.agent.ask(do="set", netns=netns, interface=self.interface(), up=False)["ns"]

    def stop(self):
        """The kernel has removed the routes over it. Those of the plan come back with it; others belong to their daemons."""
        configure(self.net, self.struck(), self.interface())


class CarrierLoss(AdminDown):
    """Node `seen-by` loses the carrier of the link: the interface at the far end is set down."""
    kind = "carrier-loss"
    needs = ("link", "seen-by")

    def struck(self):
        return self.net.plan.link(self.settings["link"]).other(self.settings["seen-by"])


class InterfaceRemoved(Failure):
    """Both interfaces of the link are deleted, as when a tunnel or a card goes; they come back with other indexes."""
    kind = "interface-removed"
    needs = ("link",)

    def start(self):
        link = self.net.plan.link(self.settings["link"])
        self.net.agent.ask(do="unwatch", link=link.id)
        self.net[link.ends[0]].run("ip", "link", "del", link.interfaces[0].name)

    def stop(self):
        link = self.net.plan.link(self.settings["link"])
        self.net.create_link(link)
        for end, interface in zip(link.ends, link.interfaces):
            configure(self.net, end, interface.name)


def configure(net, node, interface):
    """What the plan tells this node about an interface that is new, or has lost what it had."""
    of_it = [f" dev {interface} "]
    if not net[node].sidestepd:
        of_it.append(f" oif {interface} ")  # End.X SIDs of the plan; those of a sidestepd are its own business
    lines = [line for line in net.batch_of(net[node]).splitlines()
             if line.startswith(("link set", "addr add", "route add")) and any(part in line + " " for part in of_it)]
    # Traffic returns to the link when its session is trusted again, whether its routes are back or not.
    net[node].batch("".join(line.replace(" add ", " replace ", 1) + "\n" for line in lines), urgent=True)


KINDS = (SilentDrop, Loss, LargePackets, Delay, Jitter, NodeCrash, Flapping, AdminDown, CarrierLoss, InterfaceRemoved)
