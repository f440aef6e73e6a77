# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What makes the machine busy while other things fail: processes that only take processor time, and traffic beside."""
import os
import subprocess
import time

from .failure import Failure
from .flows import Flow

LONGEST = 60  # seconds after which a hog ends by itself, whatever becomes of us
REAL_TIME = "50"  # priority: above all ordinary processes, below the generator of numbered packets


class CpuHogs(Failure):
    """Processes that compute for nothing, `per-core` (2) for each core of the machine."""
    kind = "cpu-hogs"
    takes = ("per-core",)

    def commands(self):
        count = (os.cpu_count() or 1) * self.settings.get("per-core", 2)
        return [["timeout", "-s", "KILL", str(LONGEST), "sh", "-c", "while :; do :; done"]] * count

    def start(self):
        before = time.monotonic_ns()
        self._processes = [subprocess.Popen(command, start_new_session=True) for command in self.commands()]
        for process in self._processes:
            self.net.guard.watch_daemon(process.pid)
        return before

    def stop(self):
        for process in self._processes:
            process.terminate()  # timeout(1) hands it on, as SIGKILL
        for process in self._processes:
            process.wait()

    def abandon(self):
        self.stop()


class FifoHogs(CpuHogs):
    """A process with SCHED_FIFO on every core, above all ordinary ones. The kernel leaves these a twentieth of the time."""
    kind = "fifo-hogs"
    takes = ()

    def commands(self):
        return [["timeout", "-s", "KILL", str(LONGEST), "taskset", "-c", str(core), "chrt", "-f", REAL_TIME, "sh", "-c",
                 "while :; do :; done"] for core in sorted(os.sched_getaffinity(0))]


class ForwardingFlood(Failure):
    """Packets from one node to another beside those that are measured, `rate` (50,000) a second."""
    kind = "forwarding-flood"
    needs = ("from", "to")
    takes = ("rate",)

    def start(self):
        self._flow = Flow(self.net, self.settings["from"], self.settings["to"], rate=self.settings.get("rate", 50_000))

    def stop(self):
        self._flow.stop()


KINDS = (CpuHogs, FifoHogs, ForwardingFlood)
