# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A lab disappears with its owner, however that ends, and changes nothing on the host."""
import os
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from lab_case import SQUARE, eventually, run_tests

from sidestep_lab import LabError, LabNet, guard

OWNER = f"""
from sidestep_lab import LabNet
net = LabNet({str(SQUARE)!r})
for router in net.routers:
    router.start_sidestepd()
net.wait_up()
print(net.folder, *(node.pid for node in net.hosts), *(r.sidestepd._process.pid for r in net.routers), flush=True)
import time
time.sleep(60)
"""


def gone(pids):
    return all(guard.started(pid) is None for pid in pids)


def host_settings():
    return {str(path): path.read_text(encoding="ascii") for path in guard.NEIGHBORS.glob("gc_thresh*")}


class Leftovers(unittest.TestCase):
    def owner(self):
        """A process with a lab, its folder and the lab's processes."""
        process = subprocess.Popen([sys.executable, "-B", "-c", OWNER], stdout=subprocess.PIPE, text=True)
        folder, *pids = process.stdout.readline().split()
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.kill)
        return process, Path(folder), [int(pid) for pid in pids]

    def test_a_stopped_lab_is_gone(self):
        before = host_settings()
        with LabNet(SQUARE) as net:
            pids = [node.pid for node in net.hosts]
            folder = net.folder
            self.assertFalse(gone(pids))
        self.assertTrue(gone(pids))
        self.assertFalse(folder.exists())
        self.assertEqual(host_settings(), before)

    def test_an_interruption_waits_for_the_guard(self):
        made = []
        make = tempfile.mkdtemp

        def interrupted(**options):
            made.append(make(**options))
            signal.raise_signal(signal.SIGINT)
            return made[0]

        with mock.patch.object(guard.tempfile, "mkdtemp", interrupted), self.assertRaises(KeyboardInterrupt):
            guard.Guard()
        self.assertTrue(eventually(lambda: not Path(made[0]).exists(), 30), made)

    def test_a_killed_owner_takes_its_lab_along(self):
        for number in (signal.SIGKILL, signal.SIGINT):
            with self.subTest(number):
                process, folder, pids = self.owner()
                self.assertFalse(gone(pids))
                process.send_signal(number)
                process.wait()
                self.assertTrue(eventually(lambda: gone(pids) and not folder.exists(), 30), folder)

    def test_what_a_killed_guard_left_is_found_and_removed(self):
        process, folder, pids = self.owner()
        guards = [int(Path(entry).name) for entry in Path("/proc").glob("[0-9]*")
                  if self.is_guard_of(entry, folder)]
        self.assertEqual(len(guards), 1)
        os.kill(guards[0], signal.SIGKILL)
        process.kill()
        process.wait()
        todo = [todo for todo in guard.leftovers() if todo["folder"] == str(folder)]
        self.assertEqual(len(todo), 1)
        guard.clean(todo[0])
        self.assertTrue(eventually(lambda: gone(pids)))
        self.assertFalse(folder.exists())

    @staticmethod
    def is_guard_of(entry, folder):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            return False
        return len(words) > 2 and words[1].endswith(b"guard.py") and words[2] == str(folder).encode()

    def test_nothing_half_built_stays(self):
        before = set(Path("/tmp").glob(guard.PREFIX + "*"))
        with self.assertRaises(LabError):
            LabNet(SQUARE, routing="pigeons")
        with self.assertRaises(LabError):
            LabNet(SQUARE.parent / "circle.yaml")
        self.assertEqual(set(Path("/tmp").glob(guard.PREFIX + "*")) - before, set())

    def test_limits_of_neighbors_return_to_what_they_were(self):
        before = host_settings()
        guard.raise_neighbor_limits(1 << 14)
        guard.raise_neighbor_limits(1 << 14)
        self.assertGreaterEqual(int((guard.NEIGHBORS / "gc_thresh3").read_text()), 1 << 14)
        guard.lower_neighbor_limits()
        self.assertNotEqual(host_settings(), before)
        guard.lower_neighbor_limits()
        self.assertEqual(host_settings(), before)


if __name__ == "__main__":
    run_tests()
