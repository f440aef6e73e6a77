# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Removes a lab when its owner is gone, however that came about. This is the only clean-up there is, so every run tests
it: the owner closes a pipe, on purpose or by being killed; the guard then ends the lab's processes, restores what was
changed on the host and deletes the lab's folder. It has a session of its own, so Ctrl-C does not reach it.

Run as a program, it is the guard. Imported, it is the owner's side. Needs nothing but Python."""
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

PREFIX = "sidestep-lab-"
PATIENCE = 5.0  # seconds that a program has to end by itself
NEIGHBORS = Path("/proc/sys/net/ipv6/neigh/default")
LOCK = Path("/run/sidestep-lab-neighbors")
INTERRUPTIONS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def started(pid):
    """When a process started, in clock ticks: tells it from a later one of the same number. None if it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rsplit(")", 1)[1].split()
    except (OSError, IndexError):
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def signal_if_same(pid, start, number):
    if started(pid) == start:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


def end_processes(processes):
    """Latest first: a daemon before the node that it runs in. SIGTERM, and SIGKILL to those that do not hear it."""
    for pid, start in reversed(processes):
        signal_if_same(pid, start, signal.SIGCONT)
        signal_if_same(pid, start, signal.SIGTERM)
    deadline = time.monotonic() + PATIENCE
    while any(started(pid) == start for pid, start in processes) and time.monotonic() < deadline:
        time.sleep(0.01)
    for pid, start in processes:
        signal_if_same(pid, start, signal.SIGKILL)


def mounts_below(folder):
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        return [line.split()[1] for line in mounts if line.split()[1].startswith(folder + "/")]


def clean(todo):
    """What `todo` says: daemons end before nodes (bash ignores SIGTERM), then host settings, then the folder."""
    end_processes(todo["daemons"])
    for pid, start in todo["nodes"]:
        signal_if_same(pid, start, signal.SIGKILL)
    if todo["neighbors"]:
        lower_neighbor_limits()
    for mount in reversed(mounts_below(todo["folder"])):
        subprocess.run(["umount", mount], check=False)
    if not mounts_below(todo["folder"]):
        shutil.rmtree(todo["folder"], ignore_errors=True)


# The tables of neighbors belong to the kernel, not to a namespace. Beyond 1,024 entries they evict those that others
# use. Several labs may raise the limits; the last one restores them, so their number is kept beside the old values.
def _neighbor_state(change):
    with open(LOCK, "a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        text = file.read()
        state = json.loads(text) if text else {"labs": 0, "old": {}}
        change(state)
        file.seek(0)
        file.truncate()
        file.write(json.dumps(state) if state["labs"] else "")
        if not state["labs"]:
            LOCK.unlink(missing_ok=True)


def raise_neighbor_limits(entries):
    def change(state):
        state["labs"] += 1
        for number, share in ((3, 1), (2, 1), (1, 1)):
            path = NEIGHBORS / f"gc_thresh{number}"
            now = int(path.read_text())
            state["old"].setdefault(path.name, now)
            if now < entries * share:
                path.write_text(str(entries * share))
    _neighbor_state(change)


def lower_neighbor_limits():
    def change(state):
        state["labs"] = max(0, state["labs"] - 1)
        if state["labs"] == 0:
            for name, value in sorted(state["old"].items()):
                (NEIGHBORS / name).write_text(str(value))
    _neighbor_state(change)


class Guard:
    """The owner's side. `folder` is the lab's: configurations, logs and sockets."""

    def __init__(self):
        # An interruption waits until the folder has its guard, or else it would stay.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, INTERRUPTIONS)
        self._lock = threading.Lock()
        try:
            self.folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir="/tmp"))
            self.folder.chmod(0o755)  # FRR runs as a user of its own
            self._process = subprocess.Popen(["/usr/bin/python3", __file__, str(self.folder)], stdin=subprocess.PIPE,
                                             stdout=subprocess.PIPE, start_new_session=True, text=True)
            self._process.stdout.readline()  # from here on, nothing is left behind
        except BaseException:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            raise
        try:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)  # what waited is raised here
        except BaseException:
            self.close()
            raise

    def _tell(self, **what):
        with self._lock:  # nodes are started by several threads
            self._process.stdin.write(json.dumps(what) + "\n")
            self._process.stdin.flush()
            self._process.stdout.readline()

    def watch_daemon(self, pid):
        self._tell(kind="daemons", pid=pid)

    def watch_node(self, pid):
        self._tell(kind="nodes", pid=pid)

    def raise_neighbor_limits(self, entries):
        self._tell(kind="neighbors", entries=entries)

    def close(self):
        """Returns once everything is gone."""
        if self._process.stdin.closed:
            return
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def leftovers():
    """Folders of labs whose guard was killed too."""
    found = []
    for folder in Path("/tmp").glob(PREFIX + "*"):
        try:
            todo = json.loads((folder / "todo.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if started(todo["guard"][0]) != todo["guard"][1]:
            found.append(todo)
    return found


def main():
    for number in INTERRUPTIONS:
        signal.signal(number, signal.SIG_IGN)
    folder = sys.argv[1]
    todo = {"guard": [os.getpid(), started(os.getpid())], "folder": folder, "daemons": [], "nodes": [],
            "neighbors": False}

    def note():
        fresh = Path(folder, "todo.json.new")
        fresh.write_text(json.dumps(todo), encoding="utf-8")
        fresh.rename(Path(folder, "todo.json"))
        print("noted", flush=True)

    try:
        note()
        for line in sys.stdin:
            what = json.loads(line)
            if what["kind"] == "neighbors":
                raise_neighbor_limits(what["entries"])
                todo["neighbors"] = True
            else:
                todo[what["kind"]].append([what["pid"], started(what["pid"])])
            note()
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # the owner is gone; what it asked for last is in the list
    clean(todo)


if __name__ == "__main__":
    main()
