# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""BIRD's OSPFv3 with its BFD routes a lab, and Sidestep runs beside it."""
import shutil
import sys
import time

from lab_case import LOSS_MS, SKIPPED, SquareCase, eventually, run_tests


class Bird(SquareCase):
    """Without Sidestep first, then with it in the same lab."""
    settings = {"routing": "ospf", "bfd": (50, 3)}

    def next_hop(self):
        return self.net["A"].run("ip", "-6", "route", "get", self.net.plan.node("T").address)

    def test_1_routes_are_those_of_bird(self):
        routes = self.net["A"].run("ip", "-6", "route", "show", "proto", "bird")
        for prefix in ("fd00:0:b::/48", "fd00:0:b::1", *self.net.plan.node("T").prefixes):
            self.assertIn(prefix, routes)
        own = self.net["A"].run("ip", "-6", "route", "show", self.net.plan.node("S").prefixes[0])
        self.assertNotIn("bird", own, "the router's own hosts stay as they were")
        self.assertNotIn("unreachable", self.net["A"].run("ip", "-6", "route", "show"))

    def test_2_bird_leads_around_a_silent_cut(self):
        self.assertIn("dev to-B", self.next_hop())
        failure = self.net.fail("silent-drop", link="A-B")
        self.assertTrue(eventually(lambda: "dev to-C" in self.next_hop(), 30))
        self.net.wait_reachable("S", "T")
        failure.end()
        self.assertTrue(eventually(lambda: "dev to-B" in self.next_hop(), 30))

    def test_3_sidestep_beside_it_repairs_first(self):
        self.net.start_sidestepd()
        self.net.wait_up(40)
        self.net.wait_reachable("S", "T")
        flow = self.net.start_flow("S", "T", rate=2000)
        time.sleep(0.1)
        failure = self.net.fail("silent-drop", link="A-B")
        self.assertTrue(eventually(lambda: "dev to-C" in self.next_hop(), 30), "BIRD converges meanwhile")
        failure.end()
        result = flow.stop()
        self.assertTrue(result.recovered, result)
        self.assertLess(result.loss_window_ms, LOSS_MS)


if __name__ == "__main__":
    if not shutil.which("bird"):
        print("skipped: BIRD is not installed")
        sys.exit(SKIPPED)
    run_tests()
