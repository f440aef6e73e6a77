# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""`./run lab` from end to end, without the build: what it writes, and that an interrupted one leaves nothing."""
import csv
import json
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from xml.dom import minidom

from lab_case import EXPERIMENTS, eventually, run_tests

from sidestep_lab import guard

COMMAND = [sys.executable, "-B", "-m", "sidestep_lab"]


def labs():
    return set(Path("/tmp").glob(guard.PREFIX + "*"))


class Run(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.folder = Path(cls.temporary.name)
        cls.before = labs()
        cls.done = subprocess.run([*COMMAND, str(EXPERIMENTS / "square-silent-cut.yaml"), "--repeat", "2", "--seed", "7",
                                   "--output", str(cls.folder), "--page", str(cls.folder / "page.md")],
                                  capture_output=True, text=True, check=False)

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def setUp(self):
        self.assertEqual(self.done.returncode, 0, self.done.stderr)

    def document(self, name):
        return json.loads((self.folder / name).read_text(encoding="utf-8"))

    def test_result(self):
        result = self.document("result.json")
        self.assertEqual(result["experiment"], "square-silent-cut")
        self.assertEqual(result["seed"], 7)
        alone, protected = result["setups"]
        for setup in (alone, protected):
            self.assertEqual(len(setup["loss_window_ms"]), 2)
            self.assertEqual(len(setup["lost"]), 2)
            self.assertGreaterEqual(setup["sent"], 2 * 2 * 4000)
            self.assertEqual(setup["lost_later"], [0, 0])
        self.assertGreater(min(alone["loss_window_ms"]), 900)
        self.assertEqual(alone["recovered"], [False, False])
        self.assertLess(max(protected["loss_window_ms"]), 25)
        self.assertEqual(protected["recovered"], [True, True])
        self.assertLess(max(protected["detection_ms"]), 25)

    def test_table_has_a_row_per_repetition(self):
        with open(self.folder / "result.csv", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual([(row["setup"], row["repetition"]) for row in rows],
                         [("static routes alone", "1"), ("static routes alone", "2"),
                          ("Sidestep 1 ms x 3", "1"), ("Sidestep 1 ms x 3", "2")])

    def test_page_has_the_table_and_its_picture(self):
        page = (self.folder / "page.md").read_text(encoding="utf-8")
        self.assertIn("| Sidestep 1 ms x 3 |", page)
        self.assertIn("(page.svg)", page)
        self.assertNotIn("&", page)
        minidom.parse(str(self.folder / "page.svg"))

    def test_timeline_tells_the_story_in_order(self):
        events = self.document("timeline.json")["setups"][1]["repetitions"][0]
        self.assertEqual([event["ms"] for event in events], sorted(event["ms"] for event in events))
        story = [(event["source"], event["event"]) for event in events]
        self.assertIn(("flow", "loss"), story)
        failure, down = story.index(("lab", "failure")), story.index(("sidestepd", "down"))
        mended, up = story.index(("lab", "mended")), story.index(("sidestepd", "up"))
        self.assertTrue(failure < down < mended < up, story)

    def test_report_needs_no_network(self):
        text = (self.folder / "report.html").read_text(encoding="utf-8")
        self.assertNotIn("<script", text)
        self.assertNotIn("src=", text)
        self.assertNotRegex(text, r'href="http')
        self.assertIn("A – C – D – B – T", text)
        for picture in text.split("<svg")[1:]:
            minidom.parseString("<svg" + picture.split("</svg>")[0] + "</svg>")

    def test_nothing_is_left(self):
        self.assertEqual(labs() - self.before, set())

    def test_progress_goes_to_standard_error(self):
        self.assertIn("Sidestep 1 ms x 3: 2 of 2: loss window", self.done.stderr)
        self.assertNotIn("2 of 2", self.done.stdout)


class Hitless(unittest.TestCase):
    """Either way is cut, one after the other."""

    def test_two_copies_lose_nothing(self):
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run([*COMMAND, "hitless", "--repeat", "1", "--output", folder], capture_output=True, text=True,
                                  check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            result = json.loads((Path(folder) / "result.json").read_text(encoding="utf-8"))
        alone, rerouted, copies = result["setups"]
        self.assertGreater(alone["loss_window_ms"][0], 900)
        self.assertEqual(alone["recovered"], [False], "the second failure ends later, but is of no concern to it")
        self.assertGreater(rerouted["lost"][0], 0)
        self.assertEqual(rerouted["recovered"], [True])
        self.assertEqual((copies["lost"], copies["duplicated"]), ([0], [0]))


class Slow(unittest.TestCase):
    """A link that is slow at times."""

    def test_a_limit_leads_traffic_around_it(self):
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run([*COMMAND, "slow-link", "--repeat", "1", "--output", folder], capture_output=True, text=True,
                                  check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            result = json.loads((Path(folder) / "result.json").read_text(encoding="utf-8"))
            self.assertIn("delay 0.8 ms", (Path(folder) / "report.html").read_text(encoding="utf-8"))
        patient, limited = result["setups"]
        self.assertEqual((patient["lost"], limited["lost"]), ([0], [0]))
        self.assertGreater(patient["delay_ms"][0], 0.7)
        self.assertLess(limited["delay_ms"][0], 0.7)


class Ends(unittest.TestCase):
    """Hosts with two uplinks run Sidestep; a link that neither of them sees is cut."""

    def test_paths_from_end_to_end_notice(self):
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run([*COMMAND, "fabric", "--repeat", "1", "--output", folder], capture_output=True, text=True,
                                  check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            result = json.loads((Path(folder) / "result.json").read_text(encoding="utf-8"))
        alone, hosts = result["setups"]
        self.assertEqual((alone["recovered"], hosts["recovered"]), ([False], [True]))
        self.assertLess(hosts["loss_window_ms"][0], 25)


class SideBySide(unittest.TestCase):
    def test_two_runs_of_one_experiment_do_not_meet(self):
        with tempfile.TemporaryDirectory() as folder:
            runs = [subprocess.Popen([*COMMAND, "one-direction", "--repeat", "1", "--seed", str(seed), "--output",
                                      f"{folder}/out"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                    for seed in (1, 2)]
            said = [run.communicate(timeout=200)[1] for run in runs]
            self.assertEqual([run.returncode for run in runs], [0, 0], said)
            self.assertEqual([path.name for path in Path(folder).iterdir()], ["out"])
            result = json.loads((Path(folder) / "out/result.json").read_text(encoding="utf-8"))
        self.assertEqual(result["setups"][0]["recovered"], [True])


class Interrupted(unittest.TestCase):
    def test_it_leaves_nothing(self):
        before = labs()
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number), tempfile.TemporaryDirectory() as folder:
                process = subprocess.Popen([*COMMAND, "square-silent-cut", "--output", folder], stdout=subprocess.PIPE,
                                           stderr=subprocess.PIPE, text=True)
                self.addCleanup(process.kill)
                self.assertTrue(eventually(lambda: labs() - before, 60))
                process.send_signal(number)
                _, said = process.communicate(timeout=60)
                self.assertEqual(process.returncode, 130, said)
                self.assertIn("interrupted", said)
                self.assertTrue(eventually(lambda: not labs() - before, 30))
                self.assertEqual(list(Path(folder).iterdir()), [])

    def test_bad_input_is_told_before_anything_is_built(self):
        before = labs()
        done = subprocess.run([*COMMAND, "/nowhere.yaml"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("no experiment /nowhere.yaml", done.stderr)
        self.assertEqual(labs() - before, set())

    def test_the_list_is_json(self):
        done = subprocess.run([*COMMAND, "--list", "--json"], capture_output=True, text=True, check=True)
        self.assertIn("square-silent-cut", [entry["name"] for entry in json.loads(done.stdout)])


if __name__ == "__main__":
    run_tests()
