# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Builds a lab of mininet's nodes from the plan of a topology file.

Mininet changes the whole machine at its start and removes what belongs to others at its end; here it does neither
(`Mininet.inited`, interfaces and links of our own). Nothing of a lab has a name outside its own folder and namespaces,
so labs run side by side."""
import os
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

from mininet.net import Mininet

from .agent import Agent
from .bird import check_bird, check_costs
from .daemons import check_frr, wait_for
from .failures import start_failure
from .flows import Flow
from .guard import Guard
from .node import PlannedLink, RouterNode
from .plan import ROUTINGS, LabError, Plan
from .tcp import TcpFlow

FEW_INTERFACES = 100  # up to here the kernel's tables of neighbors are large enough for all their entries
ENTRIES_PER_INTERFACE = 16
AT_ONCE = 8  # programs that are started at the same time
AGAIN = 1_000_000  # indexes of a link that is created again are so much larger: no two in a lab are the same


def check_machine():
    """Everything that can be missing, before anything is built."""
    if os.geteuid() != 0:
        raise LabError("a lab creates network namespaces: run it as root")
    for tool, package in (("mnexec", "mininet"), ("ip", "iproute2")):
        if not shutil.which(tool):
            raise LabError(f"no {tool}: apt-get install --no-install-recommends {package}")


def check_routing(routing):
    """That the programs of this kind of routing are there."""
    if routing == "isis":
        check_frr()
    elif routing == "ospf":
        check_bird()


class LabNet(Mininet):
    """A lab from a topology file; use it in `with`. routing: "static" (the plan's routes), "isis" (FRR on each router)
    or "ospf" (BIRD). Its nodes are in `net["A"]`, `net.routers` and `net.hosts`, as mininet has them."""

    def __init__(self, topology, routing="static", **igp_settings):
        check_machine()
        if routing not in ROUTINGS:
            raise LabError(f"unknown routing {routing}; there are {', '.join(ROUTINGS)}")
        check_routing(routing)
        self.plan = topology if isinstance(topology, Plan) else Plan.load(topology)
        if routing == "ospf":
            check_costs(self.plan)
        self.routing = routing
        self._again = 0
        self.failures = []  # those that have not ended, oldest first
        self.agent = None
        self.guard = Guard()
        self.folder = self.guard.folder
        Mininet.inited = True  # or it would write sysctls of the host
        super().__init__(build=False, controller=None, switch=None)
        self.built = True
        try:
            self._build(igp_settings)
        except BaseException:
            self.stop()
            raise

    @property
    def routers(self):
        return [node for node in self.hosts if node.plan.router]

    def _build(self, igp_settings):
        interfaces = 2 * len(self.plan.links)
        if interfaces > FEW_INTERFACES:
            self.guard.raise_neighbor_limits(interfaces * ENTRIES_PER_INTERFACE)
        for plan in self.plan.nodes.values():
            self.addHost(plan.name, cls=RouterNode, net=self, plan=plan)
        for node in self.hosts:
            # Addresses outlast an interface that is set down; so they are there when it is set up again.
            node.write_sysctls({**node.plan.sysctls, "net/ipv6/conf/all/keep_addr_on_down": "1",
                                "net/ipv6/conf/default/keep_addr_on_down": "1"})
        creation = "".join(link.create.format(*(str(self[end].pid) for end in link.ends))
                           for link in self.plan.links.values())
        done = subprocess.run(["ip", "-batch", "-"], input=creation, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise LabError(f"cannot create the links: {done.stderr.strip()}")
        self.agent = Agent()
        for link in self.plan.links.values():
            self.links.append(PlannedLink(self[link.ends[0]], self[link.ends[1]], link))
        for node in self.hosts:
            node.batch(self.batch_of(node))
        for link in self.plan.links.values():
            self._watch(link, [interface.ifindex for interface in link.interfaces])
        for node in self.routers:
            if self.routing == "isis":
                node.start_isis(**igp_settings)
            elif self.routing == "ospf":
                node.start_ospf(**igp_settings)

    def _watch(self, link, indexes):
        """From now on the agent can cut this link."""
        self.agent.ask(do="watch", link=link.id, ends=[{"netns": self[end].netns, "ifindex": index}
                                                       for end, index in zip(link.ends, indexes)])

    def create_link(self, link):
        """Creates a link anew that was deleted: same names and addresses, other indexes, nothing configured yet."""
        self._again += 1
        indexes = [interface.ifindex + self._again * AGAIN for interface in link.interfaces]
        text = link.create
        for interface, index in zip(link.interfaces, indexes):
            text = text.replace(f" index {interface.ifindex} ", f" index {index} ")
        done = subprocess.run(["ip", "-batch", "-"], input=text.format(*(str(self[end].pid) for end in link.ends)),
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise LabError(f"cannot create {link.id} again: {done.stderr.strip()}")
        self._watch(link, indexes)

    def batch_of(self, node):
        """What the plan tells a node; a router with a routing protocol keeps the routes to its own hosts only."""
        if self.routing == "static" or not node.plan.router:
            return node.plan.batch
        hosts = [f" dev {link.interfaces[link.end_of(node.name)].name} " for link in self.plan.edge_links_of(node.name)]
        return "".join(line + "\n" for line in node.plan.batch.splitlines()
                       if not line.endswith(f" metric {self.plan.route_metric}") or any(h in line for h in hosts))

    def wait_reachable(self, source, target, patience=30):
        """Until an echo request from one node to another is answered."""
        question = {"do": "ping", "from": self[source].netns, "source": self.plan.node(source).address,
                    "destination": self.plan.node(target).address}
        wait_for(lambda: self.agent.ask(**question)["answered"], patience,
                 f"{source} does not reach {target} within {patience} s")

    def start_sidestepd(self, nodes=None, **settings):
        """On these routers (names; None: all), several at a time; settings as in `sidestepd_config`."""
        routers = [node for node in self.routers if nodes is None or node.name in nodes]
        with ThreadPoolExecutor(AT_ONCE) as threads:
            list(threads.map(lambda node: node.start_sidestepd(**settings), routers))

    def wait_up(self, patience=20):
        """Until every sidestepd is up, with its repairs in force, and the routing protocols with their BFD sessions."""
        for node in self.routers:
            if node.sidestepd:
                node.sidestepd.wait_up(patience)
        for node in self.routers:
            if node.igp:
                node.igp.wait_up(patience)

    def routes(self):
        """The routes of all routers, to see whether they have become what they were."""
        return {node.name: sorted(re.sub(r" (nhid|pref|linkdown)\b *\S*", "", line).strip()
                                  for line in node.run("ip", "-6", "route", "show").splitlines())
                for node in self.routers}

    def start_flow(self, source, target, **settings):
        """Numbered UDP packets: rate (a second), payload (bytes), count (0: until stopped), ipv4."""
        return Flow(self, source, target, **settings)

    def start_tcp(self, source, target, mbit_s=20):
        """A TCP connection that sends so much, to see what of it arrives when."""
        return TcpFlow(self, source, target, mbit_s)

    def fail(self, kind, **settings):
        """Begins a failure (failures.py) and returns it; `end()` mends it."""
        return start_failure(self, kind, settings)

    def mend(self):
        """Ends all failures, latest first."""
        for failure in reversed(list(self.failures)):
            failure.end()

    def stop(self):
        """Returns once the lab is gone."""
        for failure in reversed(list(self.failures)):
            failure.abandon()
        if self.agent:
            self.agent.close()
        self.guard.close()
        for node in self.hosts:
            node.terminate()

    def __enter__(self):
        return self

    def __exit__(self, *_what):
        self.stop()
