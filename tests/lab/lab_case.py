# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the lab's tests share: a lab, skipping with a reason, waiting, and looking for leftovers."""
import os
import shutil
import sys
import time
import unittest
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
EXPERIMENTS = REPOSITORY / "topo/experiments"
SQUARE = EXPERIMENTS / "topologies/square.yaml"
SKIPPED = 77  # ctest's SKIP_RETURN_CODE
LOSS_MS = 25  # a detection takes 3 ms; the rest is for a busy machine


def missing():
    """Why labs cannot run here; empty if they can."""
    if os.geteuid() != 0:
        return "needs root"
    if not shutil.which("mnexec"):
        return "mininet is not installed"
    return ""


def run_tests():
    reason = missing()
    if reason:
        print(f"skipped: {reason}")
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)


class SquareCase(unittest.TestCase):
    """Its tests use one lab, `net`, in which S reaches T. A-B fails; A-C-D-B is the way around.

        S --- A ======= B --- T
              |         |
              C ------- D
    """
    settings = {}  # of LabNet
    protected = False  # Sidestep runs on all four routers

    @classmethod
    def setUpClass(cls):
        from sidestep_lab import LabNet  # now: tests that need no lab need no mininet
        cls.net = LabNet(SQUARE, **cls.settings)
        cls.addClassCleanup(cls.net.stop)
        if cls.protected:
            cls.net.start_sidestepd()
        cls.net.wait_up(40)
        cls.net.wait_reachable("S", "T")


def eventually(condition, patience=5.0):
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def processes_with(text):
    """Process IDs whose command line has this text."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if text in (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"):
                found.append(int(entry.name))
        except OSError:
            continue
    return found
