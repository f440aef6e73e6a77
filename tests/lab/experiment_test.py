# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Experiment files: those that come with the project are sound, and mistakes are named with their place. Needs no root."""
import tempfile
import unittest
from pathlib import Path

from lab_case import EXPERIMENTS, REPOSITORY, SQUARE

from sidestep_lab.checked_yaml import BadExperiment
from sidestep_lab.experiment import listed, read

GOOD = f"""\
name: t
shows: something
minutes: 1
topology: {SQUARE}
length: 2s
flows:
  - {{from: S, to: T, both-ways: true}}
setups:
  - {{name: one, sidestep: {{interval: 1ms}}}}
failures:
  - {{fail: silent-drop, link: A-B, at: 500ms, for: 1s}}
"""


class Shipped(unittest.TestCase):
    def test_all_can_be_read(self):
        for entry in listed():
            with self.subTest(entry["name"]):
                experiment = read(REPOSITORY / entry["file"])
                self.assertEqual(experiment.name, Path(entry["file"]).stem)

    def test_there_are_ten_and_each_says_what_it_shows(self):
        entries = listed()
        self.assertGreaterEqual(len(entries), 10)
        self.assertEqual(len(entries), len(list(EXPERIMENTS.glob("*.yaml"))))
        for entry in entries:
            self.assertEqual(set(entry), {"name", "file", "shows", "minutes"})
            self.assertTrue(entry["shows"].endswith("."), entry)


class Mistakes(unittest.TestCase):
    def complaints(self, old, new):
        self.assertIn(old, GOOD)
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(GOOD.replace(old, new))
            file.flush()
            with self.assertRaises(BadExperiment) as caught:
                read(file.name)
            return str(caught.exception).replace(file.name, "t.yaml")

    def test_a_good_one_has_none(self):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(GOOD)
            file.flush()
            experiment = read(file.name)
        self.assertEqual([flow.name for flow in experiment.flows], ["S -> T", "T -> S"])
        self.assertEqual(experiment.failures[0].end, 1.5)

    def test_mistakes_are_named_with_their_place(self):
        for old, new, expected in (
                ("link: A-B", "link: A-X", "t.yaml:11:5: failures[0]: no link A-X in"),
                ("from: S", "from: X", "t.yaml:7:12: flows[0].from: no node X in the topology"),
                ("{interval: 1ms}", "{ends: [A]}", "setups[0].sidestep: ends are two or more, and go without nodes"),
                ("{interval: 1ms}", "{ends: [A, X]}", "setups[0].sidestep.ends: X is no router of the topology"),
                ("both-ways: true", "tcp: 20", "flows: has to have at least one flow of numbered packets"),
                ("both-ways: true", "tcp: 20, rate: 5", "flows[0].rate: is not for a TCP connection"),
                ("failures:\n", "soak: {events: [fire]}\nfailures:\n", "soak.events[0]: unknown: fire; there are silent-drop"),
                ("failures:\n", "soak: {}\nfailures:\n", "failures: a soak has none: it draws its events"),
                ("sidestep: {interval: 1ms}", "routing: isis}\nsoak: {", "soak: set-up one needs static routes, and fast"),
                ("from: S, to: T", "from: S", "t.yaml:7:5: flows[0]: to is missing"),
                ("fail: silent-drop", "fail: fire", "t.yaml:11:12: failures[0].fail: unknown: fire; there are silent-drop"),
                ("at: 500ms", "at: 5s", "t.yaml:11:40: failures[0].at: a failure begins between 0.2 s and the end at 2 s"),
                ("at: 500ms", "at: 500", "has to be a duration with its unit, such as 500ms or 2s"),
                ("for: 1s", "for: 3s", "it would end at 3.5 s, after the experiment (2 s)"),
                ("link: A-B,", "link: A-B, percent: 3,", "silent-drop does not take percent; it takes from, link, links"),
                ("link: A-B,", "link: A-B, from: C,", "link A-B does not end at C, but at A and B"),
                ("link: A-B,", "", "silent-drop needs link or links"),
                ("fail: silent-drop", "fail: delay, delay: 2", "t.yaml:11:26: failures[0].delay: has to be a duration with its"),
                ("fail: silent-drop", "fail: delay, delay: 2s",
                 "t.yaml:11:26: failures[0].delay: has to be between 0.0001 s and 1 s"),
                ("fail: silent-drop", "fail: delay", "t.yaml:11:5: failures[0]: delay needs delay"),
                ("fail: silent-drop", "fail: delay, delay: 2ms, jitter: 1ms", "failures[0]: delay does not take jitter"),
                ("fail: silent-drop", "fail: jitter, delay: 2ms", "failures[0]: jitter needs jitter"),
                ("fail: silent-drop", "fail: jitter, delay: 2ms, jitter: 3ms", "failures[0]: jitter is at most delay"),
                ("fail: silent-drop", "fail: jitter, delay: 2ms, jitter: 1ms, reorder: 1", "reorder is true or false"),
                ("fail: silent-drop", "fail: jitter, delay: 2ms, jitter: 1ms, seed: x", "seed is between 0 and"),
                ("{interval: 1ms}", "{interval: 1ms}, routing: rip",
                 "t.yaml:9:53: setups[0].routing: unknown: rip; there are static, isis, ospf"),
                ("{interval: 1ms}", "{interval: 1ms}, bfd: {interval: 10ms}",
                 "t.yaml:9:49: setups[0].bfd: needs routing: isis or ospf"),
                ("{interval: 1ms}", "{interval: 1ms}, routing: isis, bfd: {interval: 5ms}",
                 "t.yaml:9:75: setups[0].bfd.interval: has to be between 0.01 s and 60 s"),
                ("{interval: 1ms}", "{interval: 1ms}, routing: ospf, bfd: {interval: 500us}",
                 "setups[0].bfd.interval: has to be between 0.001 s and 60 s"),
                ("interval: 1ms", "intervall: 1ms", "t.yaml:9:39: setups[0].sidestep.intervall: unknown setting"),
                ("length: 2s", "lenght: 2s", "t.yaml:5:1: unknown key lenght"),
                ("minutes: 1", "minutes: many", "t.yaml:3:10: minutes: has to be a number"),
                ("square.yaml", "circle.yaml", "t.yaml:4:11: topology: "),
                ("flows:", "flows: [", "t.yaml:7:3: expected the node content"),
                ("shows: something\n", "", "t.yaml:1:1: shows is missing")):
            with self.subTest(new):
                self.assertIn(expected, self.complaints(old, new))

    def test_what_has_failed_cannot_fail(self):
        again = "for: 1s}\n  - {fail: node-crash, node: A, at: 1s}"
        self.assertIn("failures[1]: A-B has failed already at 0.5 s (silent-drop)", self.complaints("for: 1s}", again))

    def test_what_is_slow_can_be_cut(self):
        slow = "for: 1s}\n  - {fail: delay, link: A-B, delay: 2ms, at: 400ms}"
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(GOOD.replace("for: 1s}", slow))
            file.flush()
            self.assertEqual(read(file.name).failures[1].settings, {"link": "A-B", "delay": 0.002})
        down = slow.replace("400ms}", "400ms}\n  - {fail: admin-down, link: A-B, node: A, at: 1600ms}")
        self.assertIn("failures[2]: A-B has failed already at 0.4 s (delay)", self.complaints("for: 1s}", down))

    def test_a_detector_that_does_not_run_cannot_be_killed(self):
        killed = "for: 1s}\n  - {fail: detector-killed, node: A, at: 1s}"
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(GOOD.replace("for: 1s}", killed).replace(", sidestep: {interval: 1ms}", ""))
            file.flush()
            with self.assertRaisesRegex(BadExperiment, "set-up one has no sidestepd on A"):
                read(file.name)

    def test_ospf_counts_in_16_bits(self):
        with tempfile.TemporaryDirectory() as folder:
            far = SQUARE.read_text(encoding="utf-8").replace("ends: [A, C]", "ends: [A, C], metric: 70000")
            Path(folder, "far.yaml").write_text(far, encoding="utf-8")
            file = Path(folder, "t.yaml")
            file.write_text(GOOD.replace(str(SQUARE), "far.yaml").replace("name: one", "name: one, routing: ospf"),
                            encoding="utf-8")
            with self.assertRaisesRegex(BadExperiment, "9:[0-9]+: setups.0..routing: link A-C has the metric 70000; OSPF"):
                read(file)

    def test_a_missing_file_is_named(self):
        with self.assertRaisesRegex(BadExperiment, "no experiment /nowhere.yaml; `./run lab --list` has"):
            read("/nowhere.yaml")


if __name__ == "__main__":
    unittest.main(verbosity=2)
