# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The plan of a lab, as `sidestep-plan` prints it (topo/plan_json.hpp). No address is made up here."""
import heapq
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]  # of the Debian package: /usr/share/sidestep-lab
CHECKOUT = (REPOSITORY / "CMakeLists.txt").exists()
ROUTINGS = ("static", "isis", "ospf")  # routes of the plan, FRR, BIRD
PROGRAMS = REPOSITORY / "build/release/bin" if CHECKOUT else Path("/usr/lib/sidestep-lab")


class LabError(Exception):
    """What went wrong, and what to do about it: one sentence for the person who started the lab."""


def program(name):
    """A program of ours: from SIDESTEP_BIN, else from the release build or the package."""
    folder = Path(os.environ.get("SIDESTEP_BIN", PROGRAMS))
    path = folder / name
    if not os.access(path, os.X_OK):
        raise LabError(f"no {name} in {folder}: build it first (./run build), or set SIDESTEP_BIN")
    return str(path)


@dataclass(frozen=True)
class Interface:
    name: str
    ifindex: int
    mac: str
    address: str
    link_local: str


@dataclass(frozen=True)
class NodePlan:
    name: str
    router: bool
    address: str
    address_v4: str
    loopback: str
    locator: str
    announce: str
    prefixes: tuple
    sysctls: dict
    batch: str


@dataclass(frozen=True)
class LinkPlan:
    id: str
    ends: tuple
    metrics: tuple
    srlgs: tuple
    interfaces: tuple
    create: str

    def end_of(self, node):
        """0 or 1: which end of the link this node is."""
        if node not in self.ends:
            raise LabError(f"link {self.id} does not end at {node}, but at {' and '.join(self.ends)}")
        return self.ends.index(node)

    def other(self, node):
        return self.ends[1 - self.end_of(node)]


class Plan:
    """Nodes by name and links by id, in the order of the file."""

    def __init__(self, text, topology):
        parsed = json.loads(text)
        self.topology = str(topology)
        self.route_metric = parsed["route_metric"]
        self.sid_device = parsed["sid_device"]
        self.nodes = {n["name"]: NodePlan(**{**n, "prefixes": tuple(n["prefixes"])}) for n in parsed["nodes"]}
        self.links = {}
        for link in parsed["links"]:
            interfaces = tuple(Interface(**i) for i in link["interfaces"])
            self.links[link["id"]] = LinkPlan(link["id"], tuple(link["ends"]), tuple(link["metrics"]),
                                              tuple(link["srlgs"]), interfaces, link["create"])

    @classmethod
    def load(cls, topology):
        """The plan of a topology file, YAML or GML; raises LabError with the complaints about it."""
        done = subprocess.run([program("sidestep-plan"), str(topology)], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise LabError(done.stderr.strip() or f"sidestep-plan ended with exit code {done.returncode}")
        return cls(done.stdout, Path(topology).resolve())

    @property
    def routers(self):
        return [node for node in self.nodes.values() if node.router]

    def node(self, name):
        if name not in self.nodes:
            raise LabError(f"no node {name} in {self.topology}; it has {', '.join(self.nodes)}")
        return self.nodes[name]

    def link(self, link_id):
        if link_id not in self.links:
            raise LabError(f"no link {link_id} in {self.topology}; it has {', '.join(self.links)}")
        return self.links[link_id]

    def links_of(self, node):
        return [link for link in self.links.values() if node in link.ends]

    def core_links_of(self, node):
        """Links to other routers, which sidestepd probes and IS-IS speaks on."""
        return [link for link in self.links_of(node) if self.nodes[link.other(node)].router]

    def edge_links_of(self, node):
        return [link for link in self.links_of(node) if not self.nodes[link.other(node)].router]

    def shortest_path(self, source, target, without=()):
        """Names of the nodes, for drawings; hosts are never transit. The routes themselves come with the plan."""
        best, queue = {source: (0, None)}, [(0, source)]
        while queue:
            distance, node = heapq.heappop(queue)
            if node == target:
                break
            if distance > best[node][0] or (node != source and not self.nodes[node].router):
                continue
            for link in self.links_of(node):
                if link.id in without:
                    continue
                cost = distance + link.metrics[link.end_of(node)]
                other = link.other(node)
                if other not in best or cost < best[other][0]:
                    best[other] = (cost, node)
                    heapq.heappush(queue, (cost, other))
        if target not in best:
            return []
        path = [target]
        while path[-1] != source:
            path.append(best[path[-1]][1])
        return path[::-1]
