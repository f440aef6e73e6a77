# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What a soak found: result.json, result.csv, timeline.json and report.html."""
import csv
import json
from collections import Counter
from datetime import datetime, timezone

from . import judge, plots
from .report import environment
from .results import machine, relative, rounded, summary, versions


def kinds_of(episode):
    return " + ".join(event.kind for event in episode.events)


def document(experiment, seed, measured):
    episodes = measured.episodes
    command = f"./run lab {relative(experiment.file)} --seed {seed}"
    length = f"--minutes {measured.seconds / 60:.2f}" if len(episodes) != 1 else f"--episode {episodes[0].episode.number}"
    places = [(f"episode {number}: " if number is not None else "") + text for number, text in measured.violations]
    return {"experiment": experiment.name, "shows": experiment.shows, "seed": seed, "command": f"{command} {length}",
            "finished": datetime.now(timezone.utc).isoformat(timespec="seconds"), "machine": machine(),
            "versions": versions(experiment.setups), "up_seconds": round(measured.up_seconds, 1),
            "seconds": round(measured.seconds, 1), "episodes": len(episodes),
            "events": dict(Counter(event.kind for result in episodes for event in result.episode.events)),
            "promised_ms": measured.limit_ms, "slow": len(measured.slow),
            "windows": summary([rounded(lost.ms) for lost in measured.protected]),
            "without_promise": sum(lost.promise is None for result in episodes for lost in result.lost),
            "starved": sum(lost.starved for result in episodes for lost in result.lost),
            "false_downs": sum(result.false_downs for result in episodes), "violations": places}


def write(folder, experiment, measured, result):
    (folder / "result.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    timeline = [{"episode": one.episode.number, "events": one.episode.describe(), "violations": one.violations,
                 "timeline": one.timeline} for one in measured.episodes]
    (folder / "timeline.json").write_text(json.dumps(timeline, indent=1) + "\n", encoding="utf-8")
    with open(folder / "result.csv", "w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["episode", "events", "flow", "loss_window_ms", "packets", "promise", "starved", "violation"])
        for one in measured.episodes:
            for lost in one.lost:
                rows.writerow([one.episode.number, kinds_of(one.episode), lost.flow, rounded(lost.ms), lost.packets,
                               lost.promise or "none", lost.starved, lost.violation])
    text = environment().get_template("soak.html.j2").render(
        result=result, experiment=experiment, most_ms=judge.MOST_MS, refused_ms=measured.refused_ms, share=judge.SHARE,
        windows=plots.windows_by_kind(by_kind(measured), measured.limit_ms, judge.MOST_MS),
        topology=plots.topology(experiment.plan, [], [], [], []),
        episodes=[{"number": one.episode.number, "what": one.episode.describe(), "violations": one.violations,
                   "longest": max((lost.ms for lost in one.lost if lost.promise == judge.PROTECTED), default=None)}
                  for one in measured.episodes])
    (folder / "report.html").write_text(text, encoding="utf-8")


def by_kind(measured):
    """Loss windows of protected pairs by the kind of the event, or of both events, that they met."""
    found = {}
    for one in measured.episodes:
        for lost in one.lost:
            if lost.promise == judge.PROTECTED and not lost.starved:
                found.setdefault(kinds_of(one.episode) if len(one.episode.events) == 1 else "two events", []).append(lost.ms)
    return found
