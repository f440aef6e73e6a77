# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A soak draws the same events for the same seed, judges what was lost by what is promised, and finds nothing today.

    S --- A ======= B --- T      A-B fails; A-C-D-B is the repair
          |         |
          C ------- D
"""
import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace

from lab_case import EXPERIMENTS, SQUARE, run_tests

from sidestep_lab import chaos, judge, leaks
from sidestep_lab.flows import FlowResult, Window
from sidestep_lab.plan import Plan
from sidestep_lab.promises import PROTECTED, WHOLE, Promises

MS = 1_000_000
BEGAN = 1_000 * MS
COMMAND = [sys.executable, "-B", "-m", "sidestep_lab"]


class Chance(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.plan = Plan.load(EXPERIMENTS / "topologies/grid-4x4.yaml")

    def test_the_same_seed_draws_the_same(self):
        for number in (1, 2, 50):
            self.assertEqual(chaos.episode(self.plan, 7, number), chaos.episode(self.plan, 7, number))
        self.assertNotEqual([chaos.episode(self.plan, 7, n) for n in range(5)],
                            [chaos.episode(self.plan, 8, n) for n in range(5)])

    def test_all_kinds_are_drawn_and_no_two_concern_the_same_thing(self):
        drawn = [chaos.episode(self.plan, 1, number) for number in range(500)]
        kinds = {event.kind for episode in drawn for event in episode.events}
        self.assertEqual(kinds, set(chaos.EVENTS) - {"one-direction"})
        self.assertIn("from", {key for episode in drawn for event in episode.events for key in event.settings})
        self.assertEqual({len(episode.events) for episode in drawn}, {1, 2})
        for episode in drawn:
            links = [link for event in episode.events for link in event.links(self.plan)]
            self.assertEqual(len(links), len(set(links)), episode)
            self.assertTrue(all(event.begin < event.end <= episode.end for event in episode.events))

    def test_links_with_traffic_are_drawn_more_often(self):
        busy = ["R00-R01"]
        hits = [event for number in range(200) for event in chaos.episode(self.plan, 1, number, chaos.EVENTS, busy).events
                if event.settings.get("link") == "R00-R01"]
        self.assertGreater(len(hits), 50)


class Model(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.promises = Promises(Plan.load(SQUARE))

    def test_what_is_promised(self):
        for failed, without, expected in (
                ([], [], WHOLE), (["C-D"], [], WHOLE), (["A-B"], [], PROTECTED), (["A-B", "C-D"], [], None),
                (["S-A"], [], None), (["A-B"], ["A"], None), (["A-B"], ["D"], None), ([], ["A"], WHOLE)):
            with self.subTest(failed=failed, without=without):
                self.assertEqual(self.promises.of("S", "T", failed, without), expected)

    def test_no_repair_relies_on_a_link_that_is_not_trusted(self):
        self.assertEqual(self.promises.of("S", "T", ["A-B"], (), ["C-D"]), None)
        self.assertEqual(self.promises.of("S", "T", [], (), ["A-B"]), WHOLE)

    def test_the_path_is_that_of_the_routes(self):
        self.assertEqual([link.id for link in self.promises.path("S", "T")], ["S-A", "A-B", "B-T"])


class Judge(unittest.TestCase):
    """One flow of 1,000 packets/s, A-B fails from 1,000 to 1,500 ms."""

    @classmethod
    def setUpClass(cls):
        cls.promises = Promises(Plan.load(SQUARE))

    def flow(self, start_ms, lost, sent_ms=None):
        sent = [ms * MS for ms in sent_ms or range(2000)]
        first = next(n for n, ns in enumerate(sent) if ns >= start_ms * MS)
        end = sent[first + lost] if first + lost < len(sent) else None
        return FlowResult("S", "T", 1000, len(sent), len(sent) - lost, lost, 0, 0, 1.0,
                          [Window(lost, sent[first], end)], sent, [])

    def case(self, links=("A-B",), **more):
        strike = judge.Strike("cut", frozenset(links), BEGAN, BEGAN + 500 * MS, [(BEGAN, BEGAN)])
        return judge.Case(self.promises, [strike] if links else [], more.pop("told", []), 3.45, **more)

    def violation(self, case, flow):
        return judge.judge_flow(case, flow)[0].violation

    def test_a_detection_is_as_promised(self):
        lost = judge.judge_flow(self.case(), self.flow(1000, 3))[0]
        self.assertEqual((lost.violation, lost.promise, lost.ms), ("", PROTECTED, 3.0))
        self.assertFalse(judge.is_slow(lost, 3.45))
        self.assertTrue(judge.is_slow(judge.judge_flow(self.case(), self.flow(1000, 5))[0], 3.45))

    def test_what_is_not(self):
        for what, case, flow, expected in (
                ("too long", self.case(), self.flow(1000, 11), "11.00 ms without service"),
                ("a second window", self.case(), self.flow(1200, 2), "lost after the repair was in place"),
                ("while all is well", self.case(links=()), self.flow(700, 1), "lost while nothing had failed"),
                ("at the reversion", self.case(), self.flow(1600, 1), "lost while nothing had failed"),
                ("another link", self.case(links=("C-D",)), self.flow(1000, 1), "lost though its path was whole"),
                ("for good", self.case(), self.flow(1990, 10), "never recovered")):
            with self.subTest(what):
                self.assertIn(expected, self.violation(case, flow))

    def test_who_has_no_repair_has_no_promise(self):
        self.assertEqual(self.violation(self.case(without={"A"}), self.flow(1000, 400)), "")
        self.assertEqual(self.violation(self.case(links=("A-B", "C-D")), self.flow(1000, 400)), "")

    def test_a_link_that_works_again_may_be_trusted_or_not(self):
        """C-D has been mended when A-B fails: A may or may not repair by it."""
        case = self.case()
        case.strikes.append(judge.Strike("cut", frozenset({"C-D"}), BEGAN - 300 * MS, BEGAN - 100 * MS, []))
        self.assertEqual(self.violation(case, self.flow(1000, 100)), "")
        mended = self.case(links=())
        mended.strikes.append(judge.Strike("cut", frozenset({"C-D"}), BEGAN - 300 * MS, BEGAN - 100 * MS, []))
        self.assertIn("lost while nothing had failed", self.violation(mended, self.flow(1000, 1)))

    def test_a_false_down_is_a_failure_of_its_own(self):
        case = self.case(told=[judge.Told(BEGAN - 50 * MS, "C", "C-D")])
        self.assertEqual((len(case.false_downs()), self.violation(case, self.flow(1000, 100))), (1, ""))
        right = self.case(told=[judge.Told(BEGAN + 3 * MS, "A", "A-B")])
        self.assertEqual(right.false_downs(), [])

    def test_what_the_harness_was_late_with_is_taken_off(self):
        # The generator pauses for 20 ms within the window.
        sent = [*range(1002), *range(1021, 2000)]
        self.assertEqual(self.violation(self.case(), self.flow(1000, 3, sent)), "")
        late = self.case(told=[judge.Told(BEGAN + 14 * MS, "A", "A-B", 8.0)])
        self.assertEqual(self.violation(late, self.flow(1000, 15)), "")
        self.assertNotEqual(self.violation(late, self.flow(1000, 20)), "")
        self.assertTrue(judge.judge_flow(self.case(links=(), dropped=3), self.flow(700, 1))[0].starved)

    def test_a_window_that_began_before_counts_from_the_failure_on(self):
        flow = self.flow(700, 400)
        self.assertEqual(flow.longest_between(BEGAN, BEGAN + 500 * MS), 100.0)
        self.assertEqual(flow.longest_between(BEGAN + 200 * MS, BEGAN + 500 * MS), 0.0)
        self.assertEqual((flow.lost_between(600 * MS, BEGAN), flow.lost_between(BEGAN, 2 * BEGAN)), (400, 0))

    def test_leaks_are_told(self):
        before = {"policies": 4, "memory": 10_000, "routes": ["a", "b"], "descriptors (other)": 9}
        self.assertEqual(leaks.differences(before, {**before, "memory": 12_000, "descriptors (other)": 8}), [])
        after = {"policies": 5, "memory": 20_000, "routes": ["a", "c"], "descriptors (other)": 10}
        self.assertEqual(leaks.differences(before, after),
                         ["descriptors (other): 9 before, 10 after", "resident memory grew from 10000 to 20000 kB",
                          "policies: 4 before, 5 after", "routes: lacks b", "routes: has c"])


class Soak(unittest.TestCase):
    def test_it_finds_nothing(self):
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run([*COMMAND, "soak-4x4", "--minutes", "0.4", "--output", folder], capture_output=True,
                                  text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            result = json.loads((Path(folder) / "result.json").read_text(encoding="utf-8"))
            self.assertIn("</svg>", (Path(folder) / "report.html").read_text(encoding="utf-8"))
        self.assertEqual(result["violations"], [])
        self.assertGreaterEqual(result["episodes"], 2)

    def test_options_of_others_are_refused(self):
        for arguments, message in ((["soak", "--repeat", "3"], "--repeat is not for soak: that is a soak"),
                                   (["square-silent-cut", "--minutes", "1"], "--minutes is not for square-silent-cut")):
            done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn(message, done.stderr)


if __name__ == "__main__":
    run_tests()
