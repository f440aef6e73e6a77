# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""An experiment file (docs/lab.md): topology, flows, set-ups and failures. Reading it builds nothing; every mistake in it
is found here, with its place."""
from dataclasses import dataclass, field
from pathlib import Path

from .bird import check_costs
from .chaos import EVENTS, core_links
from .checked_yaml import BadExperiment, Field
from .daemons import PROBE_KEYS, ROUTING_KEYS
from .failure import DURATIONS
from .failures import KINDS, check_settings, collide
from .failures_detector import DetectorKilled
from .plan import REPOSITORY, ROUTINGS, LabError, Plan

FOLDER = REPOSITORY / "topo/experiments"
LEAST_BFD = {"isis": 0.01, "ospf": 0.001}  # seconds between packets, of FRR and of BIRD
AFTER = 0.2  # seconds without failure that an experiment needs at its beginning


@dataclass
class FlowSpec:
    source: str
    target: str
    rate: float = 1000
    payload: int = 64
    tcp: float = None  # Mbit/s of a connection instead of numbered packets

    @property
    def name(self):
        return f"{self.source} -> {self.target}"


@dataclass
class SetUp:
    """How the routers are set up: routing, and the settings of sidestepd or None."""
    name: str
    routing: str = "static"
    sidestep: dict = None
    nodes: list = None  # those that run sidestepd; None: all routers
    hello_interval: int = 1
    hello_multiplier: int = 3
    bfd: tuple = None  # milliseconds and multiplier of the BFD of FRR or BIRD

    @property
    def igp(self):
        """What the routing protocol is told, if there is one."""
        if self.routing == "static":
            return {}
        return {"hello_interval": self.hello_interval, "hello_multiplier": self.hello_multiplier, "bfd": self.bfd}


@dataclass
class FailureSpec:
    """Begins and ends in seconds after the beginning; `end` None: it lasts until everything is over."""
    kind: str
    settings: dict
    begin: float
    end: float = None

    def links(self, plan):
        return KINDS[self.kind].link_ids(plan, self.settings)


@dataclass
class Experiment:
    name: str
    file: Path
    shows: str
    minutes: float
    topology: Path
    plan: Plan = field(repr=False)
    length: float = 3.0
    repeat: int = 5
    seed: int = 1
    flows: list = field(default_factory=list)  # of numbered packets
    connections: list = field(default_factory=list)  # of TCP
    setups: list = field(default_factory=list)
    failures: list = field(default_factory=list)
    events: list = None  # of a soak (chaos.EVENTS); None: it is none


def read_flow(item, plan):
    known = {}
    for key, name in (("from", "source"), ("to", "target")):
        value = item.get(key, required=True)
        if value and value.text() not in plan.nodes:
            value.complain(f"no node {value.text()} in the topology; it has {', '.join(plan.nodes)}")
            value = None
        known[name] = value.text() if value else ""
    rate, payload, both, tcp = (item.get(key) for key in ("rate", "payload", "both-ways", "tcp"))
    if tcp:
        known["tcp"] = tcp.number(0.1, 1000, 20)
        for other in (rate, payload, both):
            if other:
                other.complain("is not for a TCP connection")
    known["rate"] = rate.number(1, 100000, 1000) if rate else 1000
    known["payload"] = payload.number(24, 1400, 64, whole=True) if payload else 64
    item.refuse_unused()
    if known["source"] and known["source"] == known["target"]:
        item.complain("a flow needs two nodes")
    flows = [FlowSpec(**known)]
    if both and both.truth():
        flows.append(FlowSpec(known["target"], known["source"], known["rate"], known["payload"]))
    return flows


def read_sidestep(value, routers):
    """Settings of sidestepd, and the nodes that run it."""
    settings, nodes = {}, None
    for key in value.keys():
        inner = value.get(key)
        if key == "nodes":
            nodes = inner.texts()
            for name in set(nodes) - set(routers):
                inner.complain(f"{name} is no router of the topology; it has {', '.join(routers)}")
        elif key == "hitless":
            settings[key] = inner.truth()
        elif key == "ends":
            settings[key] = inner.texts()
            for name in set(settings[key]) - set(routers):
                inner.complain(f"{name} is no router of the topology; it has {', '.join(routers)}")
        elif key in PROBE_KEYS or key in ROUTING_KEYS:
            settings[key] = inner.plain()
        else:
            inner.complain(f"unknown setting; there are nodes, hitless, ends, {', '.join(PROBE_KEYS + ROUTING_KEYS)}")
    if not value.keys():
        value.get("")  # complains unless it is a mapping
    if settings.get("ends"):
        if nodes is not None or len(settings["ends"]) < 2 or settings.get("hitless"):
            value.complain("ends are two or more, and go without nodes and hitless")
        nodes = settings["ends"]
    return settings, nodes


def read_setup(item, plan):
    name = item.get("name", required=True)
    routing, sidestep, hello, bfd = (item.get(key) for key in ("routing", "sidestep", "hello", "bfd"))
    setup = SetUp(name.text() if name else "")
    if routing:
        setup.routing = routing.choice(ROUTINGS) or "static"
        if setup.routing == "ospf":
            try:
                check_costs(plan)
            except LabError as error:
                routing.complain(str(error))
    if sidestep and sidestep.plain() is not False:
        setup.sidestep, setup.nodes = read_sidestep(sidestep, [node.name for node in plan.routers])
    if hello:
        for key, attribute in (("interval", "hello_interval"), ("multiplier", "hello_multiplier")):
            inner = hello.get(key)
            if inner:
                setattr(setup, attribute, inner.number(1, 100, 3, whole=True))
        hello.refuse_unused()
    if bfd:
        interval, multiplier = bfd.get("interval", required=True), bfd.get("multiplier")
        least = LEAST_BFD.get(setup.routing, 0.01)
        setup.bfd = (round(interval.seconds(least, 60, 0.01) * 1000) if interval else 10,
                     multiplier.number(2, 255, 3, whole=True) if multiplier else 3)
        bfd.refuse_unused()
    if (hello or bfd) and setup.routing == "static":
        (hello or bfd).complain("needs routing: isis or ospf")
    item.refuse_unused()
    return setup


def read_failure(item, plan, length):
    kind_field, at, lasts = item.get("fail", required=True), item.get("at", required=True), item.get("for")
    kind = kind_field.choice(list(KINDS)) if kind_field else ""
    begin = at.seconds() if at else 0.0
    settings = {}
    for key in item.keys():
        if key in ("fail", "at", "for"):
            continue
        value = item.get(key)
        settings[key] = value.seconds(*DURATIONS[key], DURATIONS[key][1]) if key in DURATIONS else value.plain()
    end = begin + lasts.seconds(0.001) if lasts else None
    if at and not AFTER <= begin < length:
        at.complain(f"a failure begins between {AFTER:g} s and the end at {length:g} s")
    if lasts and end is not None and end > length:
        lasts.complain(f"it would end at {end:g} s, after the experiment ({length:g} s)")
    if not kind:
        return None
    try:
        check_settings(plan, kind, settings)
    except LabError as error:
        item.complain(str(error))
        return None
    except TypeError:
        item.complain("a setting has the wrong type")
        return None
    return FailureSpec(kind, settings, begin, end)


def check_overlaps(pairs, plan):
    """A link that has failed cannot fail again before it is back, unless it was only slow."""
    for n, (item, failure) in enumerate(pairs):
        for _, other in pairs[:n]:
            both = set(failure.links(plan)) & set(other.links(plan))
            first, second = sorted((failure, other), key=lambda f: f.begin)
            if not collide(KINDS[failure.kind], KINDS[other.kind]):
                continue
            if both and (first.end is None or second.begin < first.end):
                item.complain(f"{', '.join(sorted(both))} has failed already at {first.begin:g} s ({first.kind})")


def check_detectors(pairs, setups):
    for item, failure in pairs:
        if not issubclass(KINDS[failure.kind], DetectorKilled):
            continue
        for setup in setups:
            runs = setup.sidestep is not None and (setup.nodes is None or failure.settings["node"] in setup.nodes)
            if not runs:
                item.complain(f"set-up {setup.name} has no sidestepd on {failure.settings['node']}")


def read_header(root, file):
    """What a list of experiments shows."""
    name, shows, minutes = root.get("name"), root.get("shows", required=True), root.get("minutes", required=True)
    return {"name": name.text() if name else Path(file).stem, "shows": shows.text() if shows else "",
            "minutes": minutes.number(0.1, 600, 1) if minutes else 1}


def read(file):
    """Raises BadExperiment with all complaints."""
    file = Path(file)
    if not file.is_file():
        raise BadExperiment(f"no experiment {file}; `./run lab --list` has those that come with it")
    complaints = []
    root = Field.load(file, complaints)
    header = read_header(root, file)
    topology = root.get("topology", required=True)
    if not topology:
        raise BadExperiment("\n".join(complaints))
    path = (file.parent / topology.text()).resolve()
    try:
        plan = Plan.load(path)
    except LabError as error:
        topology.complain(str(error))
        raise BadExperiment("\n".join(complaints)) from error
    experiment = Experiment(file=file.resolve(), topology=path, plan=plan, **header)
    read_numbers(root, experiment)
    read_parts(root, experiment)
    soak = root.get("soak")
    if soak:
        read_soak(soak, root, experiment)
    else:
        read_failures(root, experiment)
    root.refuse_unused()
    if complaints:
        raise BadExperiment("\n".join(complaints))
    return experiment


def read_numbers(root, experiment):
    length, repeat, seed = root.get("length"), root.get("repeat"), root.get("seed")
    if length and not root.get("soak"):
        experiment.length = length.seconds(0.5, 600, 3.0)
    if repeat and not root.get("soak"):
        experiment.repeat = repeat.number(1, 10000, 5, whole=True)
    if seed:
        experiment.seed = seed.number(0, 2**31, 1, whole=True)


def read_parts(root, experiment):
    plan = experiment.plan
    flows, setups = (root.get(key, required=True) for key in ("flows", "setups"))
    for item in flows.items() if flows else []:
        found = read_flow(item, plan)
        experiment.flows += [flow for flow in found if flow.tcp is None]
        experiment.connections += [flow for flow in found if flow.tcp is not None]
    for item in setups.items() if setups else []:
        experiment.setups.append(read_setup(item, plan))
        if [setup.name for setup in experiment.setups].count(experiment.setups[-1].name) > 1:
            item.complain(f"two set-ups named {experiment.setups[-1].name}")
    if flows and not experiment.flows:
        flows.complain("has to have at least one flow of numbered packets")
    if setups and not setups.items():
        setups.complain("has to have at least one item")


def read_failures(root, experiment):
    failures = root.get("failures", required=True)
    pairs = [(item, read_failure(item, experiment.plan, experiment.length))
             for item in failures.items()] if failures else []
    pairs = [pair for pair in pairs if pair[1]]
    check_overlaps(pairs, experiment.plan)
    check_detectors(pairs, experiment.setups)
    experiment.failures = [failure for _, failure in pairs]


def read_soak(soak, root, experiment):
    """Random events instead of failures at given times; a set-up whose promises can be computed."""
    events = soak.get("events")
    experiment.events = list(EVENTS)
    if events:
        experiment.events = [event for event in (item.choice(EVENTS) for item in events.items()) if event]
    soak.refuse_unused()
    for key in ("failures", "length", "repeat"):
        if key in root.keys():
            root.get(key).complain("a soak has none: it draws its events, for as long as it is asked to (--minutes)")
    if len(experiment.setups) != 1:
        soak.complain("needs exactly one set-up")
    for setup in experiment.setups:
        if setup.routing != "static" or setup.sidestep is None or setup.nodes is not None or setup.sidestep.get("hitless"):
            soak.complain(f"set-up {setup.name} needs static routes, and fast reroute by Sidestep on all routers")
    if not core_links(experiment.plan):
        soak.complain("the topology has no link between two routers")


def listed():
    """What `./run lab --list` shows: the experiments that come with the project."""
    found = []
    for file in sorted(FOLDER.glob("*.yaml")):
        complaints = []
        header = read_header(Field.load(file, complaints), file)
        if complaints:
            raise BadExperiment("\n".join(complaints))
        found.append({"name": header["name"], "file": str(file.relative_to(REPOSITORY)), "shows": header["shows"],
                      "minutes": header["minutes"]})
    return found
