# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A router or host of a lab: one of mininet's nodes, without what mininet does to the machine around it."""
import signal
import subprocess

from mininet.link import Intf, Link
from mininet.node import Node

from .bird import Ospf
from .daemons import Isis, Sidestepd
from .plan import LabError


class PlannedIntf(Intf):
    """An interface that the plan's batches have configured already: mininet would do it again, with ifconfig."""

    def config(self, **_params):
        return {}

    def delete(self):
        """It goes with its namespace."""


class PlannedLink(Link):
    """A veth pair that exists already, with the names and indexes of the plan."""

    def __init__(self, node1, node2, plan):
        self.plan = plan
        super().__init__(node1, node2, intfName1=plan.interfaces[0].name, intfName2=plan.interfaces[1].name,
                         addr1=plan.interfaces[0].mac, addr2=plan.interfaces[1].mac, intf=PlannedIntf)

    @classmethod
    def makeIntfPair(cls, *_arguments, **_more):  # pylint: disable=invalid-name
        return None


class RouterNode(Node):
    """A node that runs sidestepd, and FRR or BIRD, in its namespace. `net` is its LabNet, `plan` its part of the plan."""

    def __init__(self, name, net=None, plan=None, **params):
        self.net, self.plan = net, plan
        self.sidestepd = self.isis = self.ospf = None
        super().__init__(name, **params)
        net.guard.watch_node(self.pid)

    @property
    def netns(self):
        return f"/proc/{self.pid}/ns/net"

    def config(self, **_params):
        """The plan's batch has done it."""
        return {}

    def terminate(self):
        """The guard ends the shell, and with it the namespace."""
        if self.shell and self.shell.poll() is None:
            self.shell.send_signal(signal.SIGKILL)
        self.cleanup()

    def run(self, *argv, text=None, check=True):
        """Runs a program inside the node, beside the shell that cmd() uses, so that threads may; returns its output."""
        done = subprocess.run(["mnexec", "-a", str(self.pid), *argv], input=text, capture_output=True, text=True,
                              check=False)
        if check and done.returncode != 0:
            raise LabError(f"{self.name}: {' '.join(argv)}: {(done.stderr or done.stdout).strip()}")
        return done.stdout

    def spawn(self, argv, log):
        """Starts a program inside the node that ends with the lab; its output goes to a file."""
        with open(log, "ab") as output:
            process = self.popen(list(argv), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
        self.net.guard.watch_daemon(process.pid)
        return process

    def batch(self, text, urgent=False):
        """One `ip -batch` for everything: a process per route would take seconds. Urgent: before all ordinary processes."""
        self.run(*(["chrt", "-f", "40"] if urgent else []), "ip", "-batch", "-", text=text)

    def write_sysctls(self, sysctls):
        lines = [f"echo {value} > /proc/sys/{path}\n" for path, value in sysctls.items()]
        self.run("sh", "-e", text="".join(lines))

    def hop_limit_exceeded(self):
        """Packets that this node dropped since they had been forwarded too often: a loop."""
        with open(f"/proc/{self.pid}/net/snmp6", encoding="ascii") as counters:
            return sum(int(line.split()[1]) for line in counters if line.startswith("Icmp6OutTimeExcds"))

    def start_sidestepd(self, config=None, **settings):
        """With a configuration of your own (text), or with one that computes repairs from the topology, or from IS-IS
        where that runs; settings as in `sidestepd_config`."""
        if self.sidestepd and self.sidestepd.running:
            raise LabError(f"sidestepd runs on {self.name} already")
        self.sidestepd = Sidestepd(self, config, settings)
        return self.sidestepd

    @property
    def igp(self):
        """Its routing protocol, or None where routes are static."""
        return self.isis or self.ospf

    def start_isis(self, **settings):
        """FRR's IS-IS: hello_interval, hello_multiplier, bfd."""
        self.isis = Isis(self, **settings)
        return self.isis

    def start_ospf(self, **settings):
        """BIRD's OSPFv3, with the same settings."""
        self.ospf = Ospf(self, **settings)
        return self.ospf
