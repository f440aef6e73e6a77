# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What a lab's routers hold: compared before and after a soak, so that nothing was leaked and all is as it was."""
import os
import re
from collections import Counter

MORE_MEMORY = 4096  # kB of resident memory that a process may have gained: its allocator keeps some
PATIENCE = 3.0  # seconds that a difference may last
MAY_SHRINK = ("descriptors (socket)", "descriptors (other)")  # a start that inherits less, clients that have gone
KINDS_OF_FD = (("bpf-map", "anon_inode:bpf-map"), ("bpf-prog", "anon_inode:bpf-prog"), ("bpf-link", "anon_inode:bpf"),
               ("socket", "socket:"))


def descriptors(pid):
    """How many of each kind a process has."""
    counts = Counter()
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            target = os.readlink(f"/proc/{pid}/fd/{name}")
        except OSError:
            continue
        counts[next((kind for kind, prefix in KINDS_OF_FD if target.startswith(prefix)), "other")] += 1
    return {f"descriptors ({kind})": count for kind, count in counts.items()}


def resident_kb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def pinned(detector):
    """What is pinned in the bpf file system of a sidestepd, which only its mount namespace shows."""
    root = f"/proc/{detector.pid}/root{detector.folder}/bpf"
    return sorted(os.path.relpath(os.path.join(where, name), root)
                  for where, _, names in os.walk(root) for name in names)


def plain(text):
    """Lines of `ip` without what may change: indexes, counters, generated addresses, kinds of next hop."""
    text = re.sub(r"@if\d+|^\d+: | qlen \d+| nhid \d+| pref \S+| linkdown", "", text, flags=re.MULTILINE)
    return sorted(line.strip() for line in text.splitlines() if line.strip())


def holdings(node):
    """Of a router with a running sidestepd: text or number by what it is."""
    detector = node.sidestepd
    status = detector.ask("status")
    found = {**descriptors(detector.pid), "memory": resident_kb(detector.pid), "pinned": pinned(detector),
             "routes": plain(node.run("ip", "-6", "route", "show", "table", "all")),
             "rules": plain(node.run("ip", "-6", "rule")),
             "interfaces": plain(node.run("ip", "-br", "link")),
             "addresses": plain(node.run("ip", "-br", "-6", "addr")),
             "policies": status["policies"], "sessions": sum(status["sessions"].values()),
             "problems": [problem["about"] for problem in status["problems"]], "rerouting": status["rerouting"],
             "prefixes": sorted(prefix for policy in detector.ask("policies")["policies"] for prefix in policy["prefixes"]),
             "tc": node.run("sh", "-c", "for i in $(ls /sys/class/net); do tc qdisc show dev $i; "
                                        "tc filter show dev $i ingress; tc filter show dev $i egress; done").count(" bpf ")}
    # Ours come and go with sidestepd's process, and their addresses are made up.
    for key in ("interfaces", "addresses"):
        found[key] = [re.sub(r"\s+", " ", re.sub(r"\b([0-9a-f]{2}:){5}[0-9a-f]{2}\b", "", line)) for line in found[key]]
    return found


def differences(before, after):
    """Sentences on what a router has now and did not have, or no longer has."""
    found = []
    for what in sorted(set(before) | set(after)):
        old, new = before.get(what, 0), after.get(what, 0)
        if what == "memory":
            if new > old + MORE_MEMORY:
                found.append(f"resident memory grew from {old} to {new} kB")
        elif isinstance(old, list) or isinstance(new, list):
            gone, came = Counter(old or []) - Counter(new or []), Counter(new or []) - Counter(old or [])
            if what != "problems":  # one that is over is none
                found += [f"{what}: lacks {line}" for line in sorted(gone)]
            found += [f"{what}: has {line}" for line in sorted(came)]
        elif new > old if what in MAY_SHRINK else new != old:
            found.append(f"{what}: {old} before, {new} after")
    return found
