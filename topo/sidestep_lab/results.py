# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What an experiment measured: result.json, result.csv and timeline.json."""
import csv
import json
import os
import platform
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

from .plan import REPOSITORY

NOISY = 5  # a gap of this many packet intervals in the generator is worth a warning
NOISY_MS = 1.0  # but not if it is shorter than this


def quantile(values, share):
    """Of sorted or unsorted numbers, with the nearest rank: a value that was measured."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1))]


def summary(values):
    values = [value for value in values if value is not None]
    if not values:
        return {"median": None, "p99": None, "max": None, "n": 0}
    return {"median": quantile(values, 0.5), "p99": quantile(values, 0.99), "max": max(values), "n": len(values)}


def version(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return (done.stdout or done.stderr).strip().splitlines()[0] if (done.stdout or done.stderr).strip() else None


def cpu_model():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as info:
            return next((line.split(":", 1)[1].strip() for line in info if line.startswith("model name")), "unknown")
    except OSError:
        return "unknown"


def machine():
    return {"cpu": cpu_model(), "cores": os.cpu_count(), "kernel": platform.release(), "load": os.getloadavg()[0]}


def versions(setups):
    found = {"sidestep": version("git", "-C", str(REPOSITORY), "describe", "--always", "--dirty"),
             "python": platform.python_version(), "mininet": version("mn", "--version")}
    if any(setup.routing == "isis" for setup in setups):
        found["frr"] = version("/usr/lib/frr/isisd", "--version")
    if any(setup.routing == "ospf" for setup in setups):
        found["bird"] = version("bird", "--version")
    return found


def rounded(value):
    return None if value is None else round(value, 4)


# Column of result.csv and key of a set-up: what is read from a repetition.
MEASURES = {
    "loss_window_ms": lambda r: rounded(r.loss_window_ms),
    "disturbed_ms": lambda r: rounded(r.disturbed_ms),
    "loss_derived_ms": lambda r: rounded(r.loss_derived_ms),
    "detection_ms": lambda r: rounded(r.detection_ms),
    "converged_ms": lambda r: rounded(r.converged_ms),
    "delay_ms": lambda r: rounded(r.delay_ms),
    "tcp_stall_ms": lambda r: rounded(r.tcp_stall_ms),
    "tcp_goodput": lambda r: rounded(r.tcp_goodput),
    "lost": lambda r: r.total("lost"),
    "lost_later": lambda r: r.lost_later,
    "reordered": lambda r: r.total("reordered"),
    "duplicated": lambda r: r.total("duplicated"),
    "looped": lambda r: r.looped,
    "recovered": lambda r: r.recovered,
    "generator_gap_ms": lambda r: rounded(r.generator_gap_ms),
}
SUMMARIZED = ("loss_window_ms", "disturbed_ms", "detection_ms", "converged_ms", "delay_ms", "tcp_stall_ms", "tcp_goodput",
              "lost")


def setup_document(result):
    repetitions = result.repetitions
    document = {"name": result.setup.name, "routing": result.setup.routing, "sidestep": result.setup.sidestep,
                "sent": sum(r.total("sent") for r in repetitions)}
    for name, read in MEASURES.items():
        document[name] = [read(r) for r in repetitions]
    document["summary"] = {name: summary(document[name]) for name in SUMMARIZED}
    return document


def warnings(experiment, results):
    """Why figures of this run may be worth less than they look."""
    found = []
    allowed = max(NOISY_MS, NOISY * 1000 / max(flow.rate for flow in experiment.flows))
    for result in results:
        gaps = [r.generator_gap_ms for r in result.repetitions]
        noisy = [gap for gap in gaps if gap > allowed]
        if noisy:
            found.append(f"{result.setup.name}: in {len(noisy)} of {len(gaps)} repetitions the generator sent nothing for "
                         f"up to {max(noisy):.1f} ms, since the machine was busy: loss windows are that uncertain")
        restless = [r.unsettled for r in result.repetitions if r.unsettled]
        if restless:
            found.append(f"{result.setup.name}: {len(restless)} of {len(gaps)} repetitions began though {restless[0]}")
        failures = [failure for r in result.repetitions for failure in r.failures]
        overflowed, late = (sum(f["overflowed"] for f in failures), max((f["late_ms"] for f in failures), default=0.0))
        if overflowed:
            found.append(f"{result.setup.name}: the lab dropped {overflowed} packets of a slow link, since they were too many")
        if late > NOISY_MS:
            found.append(f"{result.setup.name}: packets of a slow link were up to {late:.1f} ms later than they should have "
                         f"been, since the machine was busy: sessions may take that for a failure")
        later = sum(r.lost_later for r in result.repetitions)
        if later:
            found.append(f"{result.setup.name}: {later} packets were lost while nothing had failed")
    return found


def documents(experiment, runner, results):
    """result.json and timeline.json as objects."""
    command = f"./run lab {relative(experiment.file)} --repeat {runner.repeat} --seed {runner.seed}"
    result = {"experiment": experiment.name, "shows": experiment.shows, "seed": runner.seed, "repeat": runner.repeat,
              "command": command, "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
              "machine": machine(), "versions": versions(experiment.setups),
              "flows": [{"from": f.source, "to": f.target, "rate": f.rate, "payload": f.payload}
                        for f in experiment.flows],
              "connections": [{"from": f.source, "to": f.target, "mbit_s": f.tcp} for f in experiment.connections],
              "failures": [{"kind": f.kind, "at_s": f.begin, "end_s": f.end, **f.settings} for f in experiment.failures],
              "warnings": warnings(experiment, results), "setups": [setup_document(r) for r in results]}
    timeline = {"experiment": experiment.name, "clock": "CLOCK_MONOTONIC; ms counts from the first failure",
                "setups": [{"name": r.setup.name, "repetitions": [timeline_of(repetition)
                                                                  for repetition in r.repetitions]} for r in results]}
    return result, timeline


def timeline_of(repetition):
    """Events of all nodes, of the lab, and what the flows lost."""
    events = list(repetition.events)
    for flow in repetition.flows:
        for window in flow.windows:
            events.append({"ns": window.start_ns, "node": flow.target, "source": "flow", "event": "loss",
                           "text": f"{flow.source} -> {flow.target}: {window.lost} packets, "
                                   f"{window.length_ms(flow.sent_ns[-1]):.2f} ms"})
    return [{"ms": round((event["ns"] - repetition.failed_ns) / 1e6, 4), **event}
            for event in sorted(events, key=lambda event: event["ns"])]


def relative(path):
    try:
        return path.relative_to(REPOSITORY)
    except ValueError:
        return path


@contextmanager
def replacing(folder):
    """A folder to write into, whose files then replace those in `folder` at once: two runs of an experiment may end at the
    same time, and one that fails leaves nothing."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    try:
        yield fresh
        folder.mkdir(exist_ok=True)
        for file in fresh.iterdir():
            file.replace(folder / file.name)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def write(folder, result, timeline):
    (folder / "result.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    (folder / "timeline.json").write_text(json.dumps(timeline, indent=1) + "\n", encoding="utf-8")
    with open(folder / "result.csv", "w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["setup", "repetition", *MEASURES])
        for setup in result["setups"]:
            for number in range(result["repeat"]):
                rows.writerow([setup["name"], number + 1, *(setup[name][number] for name in MEASURES)])
