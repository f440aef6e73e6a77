# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Hitless policies (docs/hitless.md) between all routers that have hosts: every packet leaves in two copies, over the ways
that `sidestep compute --disjoint` finds."""
import ipaddress
import json
import subprocess

from .plan import LabError, program

MERGING = 0xe46  # function of the merging SIDs
MOST_FLOWS = 1023


def edges_of(plan):
    return [node for node in plan.routers if plan.edge_links_of(node.name)]


def flow_of(plan, head, end):
    """Of each pair of routers its own number."""
    edges = [node.name for node in edges_of(plan)]
    flow = 1 + edges.index(head) * len(edges) + edges.index(end)
    if flow > MOST_FLOWS:
        raise LabError(f"{len(edges)} routers with hosts need more than {MOST_FLOWS} hitless flows")
    return flow


def merging_sid(node):
    locator = ipaddress.ip_network(node.locator)
    return str(ipaddress.ip_address(int(locator.network_address) | MERGING << 64))


def prefixes_behind(plan, router):
    hosts = [plan.nodes[link.other(router)] for link in plan.edge_links_of(router)]
    return [prefix for host in hosts for prefix in host.prefixes]


def ways_of(plan, head):
    """By destination: two ways, each with its first link and its SIDs."""
    done = subprocess.run([program("sidestep"), "compute", "--disjoint", "node", "--json", "--topology", plan.topology,
                           "--node", head], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LabError(done.stderr.strip())
    return {pair["destination"]: pair["ways"] for pair in json.loads(done.stdout)["pairs"]}


def policy_lines(plan, head, end, ways):
    if len(ways) != 2 or any(way["reason"] for way in ways):
        raise LabError(f"{head} has no two lists to {end.name}, as a hitless policy needs")
    names = ", ".join(f'"{prefix}"' for prefix in prefixes_behind(plan, end.name))
    lines = [f"  - name: to-{end.name}", f"    prefixes: [{names}]", "    protection: hitless",
             f"    flow: {flow_of(plan, head, end.name)}", "    candidates:", "      - lists:"]
    for way in ways:
        segments = ", ".join(f'"{sid}"' for sid in [*way["sids"][:-1], merging_sid(end)])
        lines.append(f'          - {{adjacency: {way["via"]["link"]}, encap: h.encaps, segments: [{segments}]}}')
    return lines


def config_lines(plan, router):
    """What a router's configuration has in addition."""
    others = [node for node in edges_of(plan) if node.name != router]
    if router not in [node.name for node in edges_of(plan)] or not others:
        return []
    ways = ways_of(plan, router)
    flows = ", ".join(str(flow_of(plan, other.name, router)) for other in others)
    lines = ["sids:", f'  - {{sid: "{merging_sid(plan.nodes[router])}", behavior: end.dt46, flows: [{flows}]}}', "policies:"]
    for other in others:
        lines += policy_lines(plan, router, other, ways[other.name])
    return lines
