# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Hosts that run Sidestep themselves (`ends`): each probes two ways to every other one from end to end, and its own packets
take the better one. The ways are those that `sidestep compute --disjoint` finds; routers between them need nothing."""
import ipaddress

from .hitless import ways_of
from .plan import LabError

END, DECAPSULATE = 1, 6  # functions of SIDs, sidestep-topology(5)


def sid(node, function):
    locator = ipaddress.ip_network(node.locator)
    return str(ipaddress.ip_address(int(locator.network_address) | function << (112 - locator.prefixlen)))


def path_name(way, end):
    return f"{way['via']['link']}-to-{end}"


def path_line(plan, head, end, way, probe):
    """The probe comes back by the same way: over the first router of it, which the far end reaches there."""
    link = plan.link(way["via"]["link"])
    address = link.interfaces[link.end_of(head)].address
    back = sid(plan.nodes[way["via"]["neighbor"]], END)
    segments = ", ".join(f'"{one}"' for one in way["sids"])
    return (f"  - {{name: {path_name(way, end)}, adjacency: {link.id}, segments: [{segments}], "
            f'probe: {{{probe}, return-address: "{address}", return: ["{back}"]}}}}')


def config_lines(plan, head, ends, probe):
    """What the configuration of `head` has in addition; `probe` as in the adjacencies."""
    ways = ways_of(plan, head)
    paths, policies = ["paths:"], ["policies:"]
    for end in ends:
        if end == head:
            continue
        found = ways.get(end, [])
        if len(found) != 2 or any(way["reason"] for way in found):
            raise LabError(f"{head} has no two ways to {end}, as hosts with two uplinks have")
        prefixes = ", ".join(f'"{prefix}"' for prefix in plan.nodes[end].prefixes)
        policies += [f"  - name: to-{end}", f"    prefixes: [{prefixes}]", "    steering: device", "    candidates:"]
        for way in found:
            paths.append(path_line(plan, head, end, way, probe))
            segments = ", ".join(f'"{one}"' for one in way["sids"])
            policies.append(f"      - {{adjacency: {way['via']['link']}, segments: [{segments}], "
                            f"sessions: [{path_name(way, end)}]}}")
    return [*paths, *policies, "sids:", f'  - {{sid: "{sid(plan.nodes[head], DECAPSULATE)}", behavior: end.dt6}}']
