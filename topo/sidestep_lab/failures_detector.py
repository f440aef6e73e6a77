# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What can happen to a detector, in a failure's form: it begins, and it ends. The kernel goes on meanwhile, except where
the detector was asked to take its part along."""
import signal

from .failure import Failure
from .plan import LabError


class DetectorKilled(Failure):
    """sidestepd of a node gets SIGKILL; `end` starts it again."""
    kind = "detector-killed"
    needs = ("node",)

    def detector(self):
        detector = self.net[self.settings["node"]].sidestepd
        if not detector:
            raise LabError(f"no sidestepd runs on {self.settings['node']}")
        return detector

    def start(self):
        self.detector().kill()

    def stop(self):
        self.detector().start()


class DetectorStopped(DetectorKilled):
    """sidestepd of a node gets SIGSTOP: it is there, and does nothing."""
    kind = "detector-stopped"

    def start(self):
        self.detector().signal(signal.SIGSTOP)

    def stop(self):
        self.detector().signal(signal.SIGCONT)

    def abandon(self):
        self.stop()


class DetectorRestarted(DetectorKilled):
    """sidestepd of a node gets SIGTERM and takes all that it has set up along; `end` starts it again."""
    kind = "detector-restarted"

    def start(self):
        self.detector().stop()


class DetectorHandedOver(DetectorKilled):
    """sidestepd of a node gets SIGUSR1, as for an upgrade: the kernel's part stays; `end` starts it again."""
    kind = "detector-handed-over"

    def start(self):
        self.detector().signal(signal.SIGUSR1)
        self.detector().wait()


class Reload(DetectorKilled):
    """sidestepd of a node reads another configuration (all sessions wait 50 ms longer before they are trusted), and at the
    end the old one again."""
    kind = "reload"

    def start(self):
        self.detector().reload(wait_to_restore="150ms")

    def stop(self):
        self.detector().reload()


KINDS = (DetectorKilled, DetectorStopped, DetectorRestarted, DetectorHandedOver, Reload)
