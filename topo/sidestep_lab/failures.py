# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What can go wrong in a lab, by name."""
from . import failures_detector, failures_links, failures_machine
from .failure import DURATIONS
from .plan import LabError

KINDS = {cls.kind: cls for cls in (*failures_links.KINDS, *failures_detector.KINDS, *failures_machine.KINDS)}

RANGES = {"percent": (0.001, 100), "above": (64, 9000), "per-core": (1, 64), "rate": (1, 200_000), "seed": (0, 2**32),
          **DURATIONS}


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
    for key in ("node", "from", "to"):
        if key in settings:
            plan.node(settings[key])
    for key, (low, high) in RANGES.items():
        value = settings.get(key, high)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
            raise LabError(f"{key} is between {low:g} and {high:g}{' s' if key in DURATIONS else ''}")
    if settings.get("jitter", 0) > settings.get("delay", 1):
        raise LabError("jitter is at most delay: no packet arrives before it was sent")
    if not isinstance(settings.get("reorder", False), bool):
        raise LabError("reorder is true or false")
    return cls


def collide(first, second):
    """Whether two kinds cannot strike one link at the same time. One that is slow may be silent as well."""
    return first.slow == second.slow or not (first.silent and second.silent)


def start_failure(net, kind, settings):
    settings = {key.rstrip("_").replace("_", "-"): value for key, value in settings.items()}  # from_, seen_by
    failure = check_settings(net.plan, kind, settings)(net, settings)
    struck = set(failure.link_ids(net.plan, settings))
    for other in net.failures:
        both = struck & set(other.link_ids(net.plan, other.settings))
        if both and collide(failure, other):
            raise LabError(f"{', '.join(sorted(both))} has failed already ({other.kind}): end that first")
    failure.begin()
    return failure
