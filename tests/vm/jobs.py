# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Asks ctest which tests its options select, and joins those of one program: one line each for tests/vm/guest.

usage: jobs.py BUILD OUTPUT [OPTION OF CTEST]...
"""
import json
import os
import subprocess
import sys


def jobs(tests):
    """Lines of name, hook, program and filter, separated by tabs. Tests that are no gtest programs are left out."""
    filters = {}
    for test in tests:
        program, *options = test["command"]
        chosen = [option.partition("=")[2] for option in options if option.startswith("--gtest_filter=")]
        if not chosen:
            continue
        properties = {entry["name"]: entry["value"] for entry in test.get("properties", [])}
        environment = dict(entry.split("=", 1) for entry in properties.get("ENVIRONMENT", []))
        filters.setdefault((program, environment.get("SIDESTEP_TEST_HOOK", "tc")), []).extend(chosen)
    return [
        "\t".join([os.path.basename(program), hook, program, ":".join(chosen)])
        for (program, hook), chosen in filters.items()
    ]


def main():
    build, output, *options = sys.argv[1:]
    listed = subprocess.run(
        ["ctest", "--test-dir", build, "--show-only=json-v1", *options], check=True, capture_output=True, text=True
    )
    lines = jobs(json.loads(listed.stdout)["tests"])
    if not lines:
        sys.exit("no test program is selected by: " + " ".join(options))
    with open(output, "w", encoding="utf-8") as file:
        file.writelines(line + "\n" for line in lines)


if __name__ == "__main__":
    main()
