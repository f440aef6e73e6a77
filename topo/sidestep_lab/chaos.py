# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What a soak does to a network: episodes of one or two random events. Pure: an episode follows from the plan, the seed
and its number alone, so that each can be repeated without those before it."""
import random
from dataclasses import dataclass

from .failures import KINDS

OF_DETECTORS = ("detector-killed", "detector-stopped", "detector-restarted", "detector-handed-over", "reload")
OF_LINKS = ("silent-drop", "one-direction", "carrier-loss", "admin-down", "flapping", "interface-removed")
EVENTS = (*OF_LINKS, "node-crash", *OF_DETECTORS)
BEFORE = (0.15, 0.3)  # seconds without failure at the beginning
LASTS = (0.1, 0.7)
BETWEEN = (0.0, 0.5)  # from the first event to the second
PERIODS = (0.1, 0.3)  # of flapping
BUSY = 0.7  # how often a link or router is drawn among those with traffic
RELATED = 0.5  # how often the second event concerns a node of the first one


@dataclass(frozen=True)
class Event:
    """`begin` and `end` in seconds of the episode."""
    kind: str  # of failures.KINDS
    settings: dict
    begin: float
    end: float

    def describe(self):
        what = ", ".join(f"{key} {value}" for key, value in self.settings.items())
        return f"{self.kind} ({what}) from {self.begin * 1e3:.0f} to {self.end * 1e3:.0f} ms"

    def links(self, plan):
        return KINDS[self.kind].link_ids(plan, self.settings)


@dataclass(frozen=True)
class Episode:
    number: int
    events: tuple

    @property
    def end(self):
        return max((event.end for event in self.events), default=BEFORE[1])

    def describe(self):
        return "; ".join(event.describe() for event in self.events)


def core_links(plan):
    """Links between routers: others lead to a single host, so nothing can go around them."""
    return [link for link in plan.links.values() if all(plan.nodes[end].router for end in link.ends)]


def among(chance, items, preferred):
    """One of the items, often one of the preferred ones if there are any."""
    some = [item for item in items if item in preferred]
    return chance.choice(some if some and chance.random() < BUSY else items)


def draw(chance, plan, kinds, begin, busy, near=None):
    """One event. `busy`: ids of the links with traffic; with `near` (names of nodes) it concerns one of these."""
    kind = chance.choice(kinds)
    links = [link.id for link in core_links(plan) if not near or set(link.ends) & set(near)]
    routers = [node.name for node in plan.routers if not near or node.name in near]
    loaded = {end for link in busy for end in plan.link(link).ends}
    settings = {}
    if kind in OF_LINKS:
        link = plan.link(among(chance, links, busy))
        settings["link"] = link.id
        end = chance.choice(link.ends)
        role = {"one-direction": "from", "carrier-loss": "seen-by", "admin-down": "node"}.get(kind)
        if role:
            settings[role] = end
        if kind == "flapping":
            settings["period"] = round(chance.uniform(*PERIODS), 3)
    else:
        settings["node"] = among(chance, routers, loaded)
    lasts = chance.uniform(*LASTS)
    return Event({"one-direction": "silent-drop"}.get(kind, kind), settings, begin, begin + lasts)


def collides(plan, first, second):
    """Whether both concern the same link, or the same detector."""
    if set(first.links(plan)) & set(second.links(plan)):
        return True
    both = first.kind in OF_DETECTORS and second.kind in OF_DETECTORS
    return both and first.settings["node"] == second.settings["node"]


def episode(plan, seed, number, kinds=EVENTS, busy=()):
    """The same for the same arguments, whatever was drawn before."""
    chance = random.Random(f"{seed}/{number}")
    first = draw(chance, plan, kinds, chance.uniform(*BEFORE), busy)
    if chance.random() < 0.5:
        return Episode(number, (first,))
    near = None
    if chance.random() < RELATED:
        near = {first.settings["node"]} if "node" in first.settings else set(plan.link(first.settings["link"]).ends)
    second = draw(chance, plan, kinds, first.begin + chance.uniform(*BETWEEN), busy, near)
    return Episode(number, (first,) if collides(plan, first, second) else (first, second))
