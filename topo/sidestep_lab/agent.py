# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The lab's agent (topo/agent.hpp): cuts and traffic, in C++ and BPF, since Python is too slow for both."""
import json
import subprocess
import threading

from .plan import LabError, program


class Agent:
    """One process per lab. It ends when its input does, so it never outlives us."""

    def __init__(self):
        self._lock = threading.Lock()  # failures and flows may come from several threads
        # A session of its own: Ctrl-C is for us, and we tell the agent.
        self._process = subprocess.Popen([program("sidestep-lab-agent")], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, text=True, start_new_session=True)

    def ask(self, **command):
        with self._lock:
            try:
                self._process.stdin.write(json.dumps(command) + "\n")
                self._process.stdin.flush()
                line = self._process.stdout.readline()
            except (BrokenPipeError, ValueError):
                line = ""
        if not line:
            raise LabError(f"the lab's agent ended while it was asked to {command['do']}")
        answer = json.loads(line)
        if not answer["ok"]:
            raise LabError(f"{command['do']}: {answer['error']}")
        return answer

    def kill(self):
        """Whatever it did ends, as when it fails."""
        self._process.kill()
        self._process.wait()

    def close(self):
        if self._process.poll() is None:
            self._process.stdin.close()
            self._process.wait()
        self._process.stdout.close()
