# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The script in docs/lab.md is short, runs as it is, and prints a loss window."""
import re
import subprocess
import sys
import unittest

from lab_case import REPOSITORY, run_tests

LONGEST = 25  # lines
LOSS_MS = 25  # a detection takes 3 ms; the rest is for a busy machine


class Page(unittest.TestCase):
    def test_its_script_runs(self):
        page = (REPOSITORY / "docs/lab.md").read_text(encoding="utf-8")
        script = re.search(r"```python\n(.*?)```", page, re.DOTALL)[1]
        self.assertLessEqual(len(script.splitlines()), LONGEST)
        done = subprocess.run([sys.executable, "-B", "-c", script], cwd=REPOSITORY, capture_output=True, text=True,
                              timeout=150, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        said = re.search(r"loss window ([0-9.]+) ms", done.stdout)
        self.assertTrue(said, done.stdout)
        self.assertLess(float(said[1]), LOSS_MS)
        self.assertGreater(float(said[1]), 0)


if __name__ == "__main__":
    run_tests()
