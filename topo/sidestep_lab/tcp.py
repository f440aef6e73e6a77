# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A TCP connection at a steady rate, and what of it arrived when: what a failure is to an application. The kernel does the
work; both ends run inside their nodes, above ordinary processes. Run as a program, it is one of them."""
import json
import os
import select
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field

REAL_TIME = 40  # SCHED_FIFO, below the generator of numbered packets
STEP = 0.001  # seconds between two sends
PORT = 7000
BUCKET_NS = 1_000_000


@dataclass
class TcpResult:
    """`arrivals`: [CLOCK_MONOTONIC in nanoseconds, bytes], at most one a millisecond."""
    source: str
    target: str
    mbit_s: float
    sent: int
    arrivals: list = field(repr=False)

    def stall_ms(self, from_ns, to_ns):
        """The longest time without a byte that began in this span, beyond what lies between two sends; None if nothing came
        at all."""
        times = [ns for ns, _ in self.arrivals]
        gaps = [(after - before) / 1e6 for before, after in zip(times, times[1:]) if from_ns <= before < to_ns]
        if times and from_ns <= times[-1] < to_ns:
            gaps.append((to_ns - times[-1]) / 1e6)
        return max(0.0, max(gaps) - STEP * 1e3) if gaps else None

    def goodput(self, from_ns, to_ns):
        """Bytes that arrived in this span, as a share of those that the rate has for it."""
        came = sum(count for ns, count in self.arrivals if from_ns <= ns < to_ns)
        return came * 8 / (self.mbit_s * 1e6 * (to_ns - from_ns) / 1e9)


class TcpFlow:
    """A running connection; `stop()` returns a TcpResult."""

    _count = 0

    def __init__(self, net, source, target, mbit_s=20):
        TcpFlow._count += 1
        self.source, self.target, self.mbit_s = source, target, mbit_s
        address, port = net.plan.node(target).address, str(PORT + TcpFlow._count % 1000)
        self._sink = self._spawn(net, target, "sink", address, port)
        self._sink.stdout.readline()  # it listens
        self._source = self._spawn(net, source, "source", net.plan.node(source).address, address, port, str(mbit_s))
        self._source.stdout.readline()  # it is connected

    @staticmethod
    def _spawn(net, node, *arguments):
        process = subprocess.Popen(["mnexec", "-a", str(net[node].pid), "/usr/bin/python3", __file__, *arguments],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True, text=True)
        net.guard.watch_daemon(process.pid)
        return process

    def stop(self):
        sent, _ = self._source.communicate()  # closing its input ends it
        arrivals, _ = self._sink.communicate()
        return TcpResult(self.source, self.target, self.mbit_s, json.loads(sent or "0"), json.loads(arrivals or "[]"))


def ended():
    """Whether our owner has closed our input."""
    return bool(select.select([sys.stdin], [], [], 0)[0])


def sink(address, port):
    server = socket.create_server((address, int(port)), family=socket.AF_INET6)
    print("listening", flush=True)
    connection, _ = server.accept()
    connection.setblocking(False)
    arrivals = []
    while True:
        ready = select.select([connection, sys.stdin], [], [], 1)[0]
        if connection in ready:
            count = len(connection.recv(1 << 20))
            now = time.monotonic_ns()
            if count == 0:
                break
            if arrivals and now // BUCKET_NS == arrivals[-1][0] // BUCKET_NS:
                arrivals[-1][1] += count
            else:
                arrivals.append([now, count])
        elif sys.stdin in ready:
            break
    print(json.dumps(arrivals))


def source(own, address, port, mbit_s):
    connection = socket.create_connection((address, int(port)), source_address=(own, 0))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setblocking(False)
    print("connected", flush=True)
    began, sent, data = time.monotonic(), 0, bytes(1 << 16)
    while not ended():
        due = int((time.monotonic() - began) * float(mbit_s) * 1e6 / 8) - sent
        if due > 0:
            try:
                sent += connection.send(data[:due])
            except BlockingIOError:
                pass  # the network takes no more at present
        time.sleep(STEP)
    connection.close()
    print(sent)


if __name__ == "__main__":
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(REAL_TIME))
    except OSError:
        pass  # a busy machine then shows in the figures
    {"sink": sink, "source": source}[sys.argv[1]](*sys.argv[2:])
