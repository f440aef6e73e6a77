# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""report.html: one file that needs no network, for a browser or a phone."""
import json
import subprocess
from pathlib import Path

import jinja2

from . import plots
from .failure import in_words
from .failures import KINDS
from .plan import program
from .results import relative


def environment():
    """For the templates in this folder: HTML, and a page of Markdown."""
    found = jinja2.Environment(loader=jinja2.FileSystemLoader(Path(__file__).parent), trim_blocks=True, lstrip_blocks=True,
                               autoescape=lambda name: not name.endswith(".md.j2"))
    found.filters["ms"] = lambda value: "–" if value is None else f"{value:.2f}"
    found.filters["in_words"] = in_words
    return found


def write_page(file, experiment, result):
    """The same in short, for a folder of documents: Markdown, and its picture beside it."""
    picture = file.with_suffix(".svg")
    text = environment().get_template("page.md.j2").render(result=result, experiment=experiment, name=relative(file.resolve()),
                                                           picture=picture.name)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text.rstrip() + "\n", encoding="utf-8")
    picture.write_text(plots.loss_curves(result["setups"]), encoding="utf-8")


def path_pictures(experiment):
    """Failed links and nodes of the first failure, the path of the first flow that it strikes, and its repair."""
    plan = experiment.plan
    striking = [failure for failure in experiment.failures if failure.links(plan)]
    if not striking:
        return [], [], [], []
    links = sorted({link for failure in striking for link in failure.links(plan)})
    nodes = [failure.settings["node"] for failure in striking if failure.kind == "node-crash"]
    for flow in experiment.flows:
        path = plan.shortest_path(flow.source, flow.target)
        hops = [next((link for link in plan.links.values() if set(link.ends) == set(pair)), None)
                for pair in zip(path, path[1:])]
        for hop, near in zip(hops, path):
            if hop and hop.id in links:
                return links, nodes, path, path[:path.index(near)] + repair_of(experiment, near, flow)
    return links, nodes, [], []


def repair_of(experiment, node, flow):
    """The path of the repair that `node` has for the flow's destination, as `sidestep compute` has it."""
    protect = next((setup.sidestep.get("protect", "link") for setup in experiment.setups
                    if setup.sidestep is not None), None)
    if protect is None:
        return []
    done = subprocess.run([program("sidestep"), "compute", "--json", "--topology", str(experiment.topology), "--node",
                           node, "--protect", protect], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return []
    for repair in json.loads(done.stdout)["repairs"]:
        if repair["destination"] == flow.target and repair["status"] == "protected":
            return repair["path"]
    return []


def write(folder, experiment, results, result, timeline):
    links, nodes, before, repair = path_pictures(experiment)
    kinds = {kind: " ".join(cls.__doc__.replace("`", "").split()) for kind, cls in KINDS.items()}
    text = environment().get_template("report.html.j2").render(
        result=result, experiment=experiment, kinds=kinds,
        timeline=[{"name": setup["name"], "events": setup["repetitions"][0][:200]} for setup in timeline["setups"]],
        topology=plots.topology(experiment.plan, links, nodes, before, repair),
        before=before, repair=repair, arrivals=plots.arrivals(results), curves=plots.loss_curves(result["setups"]))
    (folder / "report.html").write_text(text, encoding="utf-8")
