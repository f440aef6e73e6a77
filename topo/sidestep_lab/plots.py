# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The pictures of a report, as SVG text."""
import io

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402  (the backend comes first)
import numpy  # noqa: E402

matplotlib.rcParams.update({"svg.fonttype": "none", "font.family": "sans-serif", "font.size": 11,
                            "axes.spines.top": False, "axes.spines.right": False, "svg.hashsalt": "sidestep"})
COLORS = ("#1f6fb2", "#d1642a", "#3a8f4d", "#7a52a3", "#8a6d3b", "#555555")
FAILED, BEFORE, REPAIR = "#c0281c", "#1f6fb2", "#3a8f4d"
WIDTH = 5.4  # inches: on a phone, letters are then still large enough to be read
AROUND = 3.0  # the picture of arrivals shows this many loss windows before and after


def svg(figure):
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", bbox_inches="tight", metadata={"Date": None})
    plt.close(figure)
    text = buffer.getvalue()
    return text[text.index("<svg"):]


def layout(plan):
    """Places for the nodes: distances on paper follow the hops between them (stress majorization)."""
    names = list(plan.nodes)
    number = {name: n for n, name in enumerate(names)}
    hops = numpy.full((len(names), len(names)), numpy.inf)
    numpy.fill_diagonal(hops, 0)
    for link in plan.links.values():
        a, b = (number[end] for end in link.ends)
        hops[a, b] = hops[b, a] = 1
    for k in range(len(names)):
        hops = numpy.minimum(hops, hops[:, k:k + 1] + hops[k:k + 1, :])
    hops[numpy.isinf(hops)] = len(names)
    angle = 2 * numpy.pi * numpy.arange(len(names)) / len(names)
    places = numpy.stack([numpy.cos(angle), numpy.sin(angle)], axis=1) * hops.max() / 2
    weights = numpy.where(hops > 0, 1 / numpy.maximum(hops, 1e-9)**2, 0)
    for _ in range(300):
        apart = places[:, None, :] - places[None, :, :]
        length = numpy.maximum(numpy.linalg.norm(apart, axis=2), 1e-6)
        wanted = places[None, :, :] + apart * (hops / length)[:, :, None]
        places = (weights[:, :, None] * wanted).sum(axis=1) / numpy.maximum(weights.sum(axis=1), 1e-9)[:, None]
    places -= places.mean(axis=0)
    _, _, axes = numpy.linalg.svd(places, full_matrices=False)
    places = places @ axes.T  # the long side lies flat
    return {name: places[n] for name, n in number.items()}


def draw_path(axes, places, path, color, offset, label):
    points = numpy.array([places[name] for name in path])
    axes.plot(points[:, 0] + offset, points[:, 1] + offset, color=color, linewidth=3.5, alpha=0.55, zorder=2,
              solid_joinstyle="round", label=label)


def topology(plan, failed_links, failed_nodes, before, repair):
    """The network, what failed, the path before and the repair."""
    places = layout(plan)
    figure, axes = plt.subplots(figsize=(WIDTH, 3.4))
    for link in plan.links.values():
        ends = numpy.array([places[end] for end in link.ends])
        dead = link.id in failed_links
        axes.plot(ends[:, 0], ends[:, 1], color=FAILED if dead else "#b9bec4", linewidth=2 if dead else 1.4,
                  linestyle=(0, (3, 2)) if dead else "-", zorder=1)
        if dead and not failed_nodes:
            middle = ends.mean(axis=0)
            axes.plot(*middle, marker="x", color=FAILED, markersize=11, markeredgewidth=3, zorder=5)
    if before:
        draw_path(axes, places, before, BEFORE, 0.03, "path before")
    if repair:
        draw_path(axes, places, repair, REPAIR, -0.03, "repair")
    for name, place in places.items():
        router = plan.nodes[name].router
        dead = name in failed_nodes
        axes.text(*place, name, ha="center", va="center", fontsize=9, zorder=6, color="white" if router else "#333333",
                  bbox={"boxstyle": "round,pad=0.35" if router else "square,pad=0.3",
                        "facecolor": FAILED if dead else "#3b4754" if router else "#f1f1ee", "edgecolor": "#3b4754"})
    if failed_links:
        axes.plot([], [], color=FAILED, linestyle=(0, (3, 2)), linewidth=2, label="failed")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.02), ncols=3, frameon=False)
    axes.margins(0.12, 0.18)
    axes.axis("off")
    return svg(figure)


def loss_curves(setups):
    """How many repetitions had a loss window of at most so much, one curve per set-up."""
    figure, axes = plt.subplots(figsize=(WIDTH, 3.0))
    values = [value for setup in setups for value in setup["loss_window_ms"]]
    for n, setup in enumerate(setups):
        windows = sorted(setup["loss_window_ms"])
        share = numpy.arange(1, len(windows) + 1) / len(windows)
        axes.step([min(windows), *windows], [0, *share], where="post", color=COLORS[n % len(COLORS)], linewidth=2,
                  label=setup["name"])
    if min(values) > 0 and max(values) > 20 * min(values):
        axes.set_xscale("log")
    axes.set_xlabel("loss window (ms)")
    axes.set_ylabel("share of repetitions")
    axes.set_ylim(0, 1.04)
    axes.grid(alpha=0.3)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=1 if len(setups) > 2 else 2, frameon=False)
    return svg(figure)


def windows_by_kind(windows, promised_ms, most_ms):
    """A point per loss window, in a row per kind of event."""
    figure, axes = plt.subplots(figsize=(WIDTH, 1.3 + 0.3 * max(1, len(windows))))
    kinds = sorted(windows, reverse=True)
    for row, kind in enumerate(kinds):
        spread = (numpy.arange(len(windows[kind])) * 0.618 % 1 - 0.5) * 0.5  # so that equal ones do not hide each other
        axes.plot(windows[kind], row + spread, "o", color=COLORS[0], markersize=3.5, alpha=0.6, markeredgewidth=0)
    axes.axvline(promised_ms, color=COLORS[2], linewidth=1, linestyle="--", label=f"promised: {promised_ms:.2f} ms")
    axes.axvline(most_ms, color=FAILED, linewidth=1, linestyle="--", label=f"never longer: {most_ms:g} ms")
    axes.set_yticks(range(len(kinds)), [f"{kind} ({len(windows[kind])})" for kind in kinds])
    axes.set_ylim(-0.7, max(1, len(kinds)) - 0.3)
    axes.set_xlim(0, max([most_ms * 1.1, *(value for values in windows.values() for value in values)]))
    axes.set_xlabel("loss window (ms)")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False)
    return svg(figure)


def arrivals(results):
    """The first repetition of each set-up: when packets arrived, and which never did, around the failure."""
    figure, rows = plt.subplots(len(results), 1, figsize=(WIDTH, 1.1 + 1.25 * len(results)), squeeze=False)
    for n, (axes, result) in enumerate(zip(rows[:, 0], results)):
        repetition = result.repetitions[0]
        failed = repetition.failed_ns
        window = max(repetition.loss_window_ms, 2.0)
        end = max((flow.sent_ns[-1] - failed) / 1e6 for flow in repetition.flows)
        begin = min((flow.sent_ns[0] - failed) / 1e6 for flow in repetition.flows)
        low, high = max(-AROUND * window / 3, begin), min(AROUND * window, end)
        for place, flow in enumerate(repetition.flows):
            came = {number for number, _ in flow.arrivals}
            good = [(ns - failed) / 1e6 for _, ns in flow.arrivals]
            lost = [(ns - failed) / 1e6 for number, ns in enumerate(flow.sent_ns) if number not in came]
            for times, color, mark in ((good, COLORS[0], "|"), (lost, FAILED, "x")):
                times = thinned([time for time in times if low <= time <= high])
                axes.plot(times, [place] * len(times), mark, color=color, markersize=5, alpha=0.8)
        axes.axvline(0, color=FAILED, linewidth=1, linestyle="--")
        axes.set_xlim(low, high)
        axes.set_ylim(-0.6, len(repetition.flows) - 0.4)
        axes.set_yticks(range(len(repetition.flows)), [f"{f.source} → {f.target}" for f in repetition.flows])
        axes.set_title(result.setup.name, loc="left", fontsize=10, color=COLORS[n % len(COLORS)])
    rows[-1, 0].set_xlabel("ms since the failure; | arrived, × sent and lost")
    figure.tight_layout()
    return svg(figure)


def thinned(times, most=400):
    """A picture of more marks than it has pixels only gets large."""
    return times[::max(1, len(times) // most)]
