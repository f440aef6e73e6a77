# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Which traffic is promised to go on: the path of a pair of nodes, and the repair that takes over where it is broken, as
`sidestep compute` has it. Networks with one shortest path between any two nodes; with others, nothing is promised where
there is a choice."""
import json
import re
import subprocess

from .plan import LabError, program

WHOLE, PROTECTED = "whole", "protected"


class Promises:
    """Of a plan with static routes; `protect` as in sidestep.yaml(5)."""

    def __init__(self, plan, protect="link"):
        self._plan = plan
        self._next = {}  # (node, prefix): link id
        links = {(end, interface.name): link.id for link in plan.links.values()
                 for end, interface in zip(link.ends, link.interfaces)}
        for node in plan.nodes.values():
            for prefix, device in re.findall(r"^route add (\S+) (?:via \S+ )?dev (\S+)", node.batch, re.MULTILINE):
                if (node.name, device) in links:
                    self._next[(node.name, prefix)] = links[(node.name, device)]
        self._repairs = {node.name: self._compute(node.name, protect) for node in plan.routers}

    def _compute(self, node, protect):
        """By destination and first link: the repair."""
        done = subprocess.run([program("sidestep"), "compute", "--json", "--topology", self._plan.topology, "--node", node,
                               "--protect", protect], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise LabError(done.stderr.strip())
        found = {}
        for repair in json.loads(done.stdout)["repairs"]:
            if repair["status"] == "protected" and len(repair["primary"]) == 1:
                found.setdefault((repair["destination"], repair["primary"][0]["link"]), repair)
        return found

    def _link(self, node, target):
        """By which link a node sends to a target; None: it does not."""
        plan = self._plan
        for link in plan.links_of(node):
            if link.other(node) == target:
                return link
        if not plan.nodes[node].router:
            return next(iter(plan.links_of(node)), None)
        return next((plan.links[self._next[(node, prefix)]] for prefix in plan.nodes[target].prefixes
                     if (node, prefix) in self._next), None)

    def path(self, source, target):
        """The links from node to node while nothing has failed."""
        node, links = source, []
        while node != target and len(links) < len(self._plan.nodes):
            link = self._link(node, target)
            if not link:
                return []
            links.append(link)
            node = link.other(node)
        return links

    def of(self, source, target, failed, without=(), distrusted=()):
        """WHOLE: none of the links that `failed` (ids) is on the path. PROTECTED: the first one that is has a repair that
        meets none, and none that is `distrusted`. None: nothing is promised. Routers `without` a detector repair nothing and
        have no SIDs."""
        node = source
        for link in self.path(source, target):
            if link.id in failed:
                return PROTECTED if self._repaired(node, target, link, {*failed, *distrusted}, without) else None
            node = link.other(node)
        return WHOLE if node == target else None

    def _repaired(self, node, target, link, failed, without):
        repair = self._repairs.get(node, {}).get((target, link.id))
        if not repair or set(repair["path"]) & set(without):
            return False
        for near, far in zip(repair["path"], repair["path"][1:]):
            hops = [hop.id for hop in self._plan.links_of(near) if hop.other(near) == far]
            if set(hops) & set(failed):
                return False
        return True
