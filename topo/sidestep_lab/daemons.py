# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The programs that routers run: sidestepd, and FRR's IS-IS."""
import ipaddress
import json
import os
import pwd
import shutil
import signal
import socket
import time

from . import ends, hitless
from .plan import LabError, program

FRR = "/usr/lib/frr"
PROBE_KEYS = ("interval", "multiplier", "size", "wait-to-restore", "loss-limit", "rtt-limit", "damping")
ROUTING_KEYS = ("protect", "hold", "encap", "max-segments", "next-csid")


class Restless(LabError):
    """A routing protocol or its BFD does not come to rest, as happens on a busy machine."""


def wait_for(condition, patience, what, error=LabError):
    """Polls until the condition holds; raises error(what) if it never does."""
    deadline = time.monotonic() + patience
    pause = 0.002
    while not condition():
        if time.monotonic() > deadline:
            raise error(what() if callable(what) else what)
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)


def domain_of(plan):
    """The smallest IPv6 prefix of at most 32 bits that has the sources of all routers."""
    sources = [int(ipaddress.ip_address(source_of(node))) for node in plan.routers]
    length = 32
    while length and len({source >> (128 - length) for source in sources}) > 1:
        length -= 1
    return str(ipaddress.ip_network((sources[0] >> (128 - length) << (128 - length), length)))


def source_of(node):
    return node.loopback or node.address


def as_yaml(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def sidestepd_config(node, **settings):
    """The text for `sidestepd --config`: every link to a router is probed, and repairs are computed. Settings have the
    names of sidestep.yaml(5), with _ or -: interval, multiplier, wait-to-restore, loss-limit, rtt-limit, damping for
    the probes; protect, hold, encap, max-segments and next-csid for the routing. `hitless` sends what is between hosts in
    two copies. `ends`, a list of names, is for hosts that run Sidestep themselves: paths to each other instead of computed
    repairs (ends.py)."""
    copies, hosts = settings.pop("hitless", False), settings.pop("ends", None)
    given = {key.replace("_", "-"): value for key, value in settings.items() if value is not None}
    unknown = sorted(set(given) - set(PROBE_KEYS) - set(ROUTING_KEYS))
    if unknown:
        raise LabError(f"sidestepd on {node.name}: unknown setting {unknown[0]}; "
                       f"there are {', '.join(PROBE_KEYS + ROUTING_KEYS)}")
    probe = {"interval": "1ms", "multiplier": 3, "wait-to-restore": "100ms"}
    probe.update({key: given[key] for key in PROBE_KEYS if key in given})
    plan = node.net.plan
    lines = [f'node: {{name: {node.name}, source-address: "{source_of(node.plan)}"}}', "clock: auto"]
    edges = [link.interfaces[link.end_of(node.name)].name for link in plan.edge_links_of(node.name)]
    if edges:
        lines.append(f"ingress: [{', '.join(edges)}]")
    lines.append("adjacencies:")
    text = ", ".join(f"{key}: {as_yaml(value)}" for key, value in probe.items())
    for link in plan.core_links_of(node.name):
        end = link.end_of(node.name)
        own, far = link.interfaces[end], link.interfaces[1 - end]
        lines += [f"  - name: {link.id}", f"    interface: {own.name}", f'    neighbor: "{far.link_local}"',
                  f'    probe: {{{text}, return-address: "{own.address}"}}']
    lines += ["device: sr0", f'sr-domain: ["{domain_of(plan)}"]']
    if hosts:
        return "\n".join([*lines, *ends.config_lines(plan, node.name, hosts, text)]) + "\n"
    graph = f"topology: {plan.topology}"
    if node.isis:
        graph = f"isis: {{vty-directory: {node.isis.folder}}}"
    routing = {"protect": "link", **{key: given[key] for key in ROUTING_KEYS if key in given}}
    extra = "".join(f", {key}: {as_yaml(value)}" for key, value in routing.items())
    lines.append(f"routing: {{{graph}{extra}}}")
    lines += hitless.config_lines(plan, node.name) if copies else []
    return "\n".join(lines) + "\n"


class Sidestepd:
    """A running sidestepd, asked over its socket (docs/api.md)."""

    def __init__(self, node, config, settings):
        self.node = node
        # The SIDs of the plan would be in the way of those that sidestepd installs itself.
        if config is None:
            node.run("ip", "link", "del", node.net.plan.sid_device, check=False)
        self._computed = config is None and not settings.get("ends")
        self._settings = settings
        self.folder = node.net.folder / node.name
        self.folder.mkdir(exist_ok=True)
        self._file = self.folder / "sidestepd.yaml"
        self._file.write_text(config or sidestepd_config(node, **settings), encoding="utf-8")
        self.log = self.folder / "sidestepd.log"
        self._process = None
        self.start()

    def start(self):
        self._process = self.node.spawn([program("sidestepd"), "--config", str(self._file), "--run-dir",
                                         str(self.folder)], self.log)

    @property
    def running(self):
        return self._process is not None and self._process.poll() is None

    def signal(self, number):
        self._process.send_signal(number)

    def wait(self):
        """Until the process has ended."""
        self._process.wait()

    def reload(self, **changes):
        """Reads a configuration with other settings, or with those that it began with."""
        text = sidestepd_config(self.node, **{**self._settings, **changes})
        self._file.write_text(text, encoding="utf-8")
        error = self.ask("reload").get("error")
        if error:
            raise LabError(f"sidestepd on {self.node.name}: reload: {error}")

    @property
    def pid(self):
        return self._process.pid

    def kill(self):
        """SIGKILL: the kernel goes on probing and repairing."""
        self._process.kill()
        self._process.wait()

    def stop(self):
        """SIGTERM: it removes all that it has set up."""
        if self.running:
            self._process.terminate()
            self._process.wait()

    def ask(self, command, **arguments):
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(2)
                connection.connect(str(self.folder / f"{self.node.name}.sock"))
                connection.sendall(json.dumps({"command": command, **arguments}).encode() + b"\n")
                with connection.makefile(encoding="utf-8") as answers:
                    return json.loads(answers.readline())
        except (OSError, ValueError) as error:
            raise LabError(f"sidestepd on {self.node.name} does not answer: {error}; its log: {self.log}") from error

    def events(self):
        return self.ask("events").get("events", [])

    def _is_up(self):
        if not self.running:
            raise LabError(f"sidestepd on {self.node.name} ended: "
                           f"{self.log.read_text(encoding='utf-8', errors='replace')[-2000:]}")
        try:
            sessions = self.ask("sessions").get("sessions", [])
            if not sessions or any(session["state"] != "up" for session in sessions):
                return False
            routing = self.ask("routing") if self._computed else {}
        except LabError:
            return False
        return not self._computed or (routing.get("deliveries", 0) > 0 and routing.get("problem") is None
                                      and routing.get("convergence") == "settled")

    def wait_up(self, patience=20):
        """Until every session is up and computed repairs are in force."""
        wait_for(self._is_up, patience, lambda: f"sidestepd on {self.node.name} did not come up within {patience} s; "
                                                f"its log: {self.log}")


class Isis:
    """zebra and isisd of one router, for IPv6, level 2, point-to-point links. Static routes of the plan give way."""

    def __init__(self, node, hello_interval=1, hello_multiplier=3, bfd=None):
        """bfd: (milliseconds, multiplier), or None: IS-IS finds out by its hellos."""
        check_frr()
        self.node, self._bfd = node, bfd
        self.folder = node.net.folder / f"{node.name}-frr"
        self.folder.mkdir()
        self._processes = []
        self._write("zebra.conf", f"hostname {node.name}\n")
        self._write("isisd.conf", self._isis_text(hello_interval, hello_multiplier, bfd))
        if bfd:
            self._write("bfdd.conf", f"bfd\n profile lab\n  transmit-interval {bfd[0]}\n  receive-interval {bfd[0]}\n"
                                     f"  detect-multiplier {bfd[1]}\n")
        user = pwd.getpwnam("frr")
        os.chown(self.folder, user.pw_uid, user.pw_gid)
        node.run("ip", "addr", "add", node.plan.announce, "dev", "lo", "nodad")
        for daemon in ("zebra", "bfdd", "isisd") if bfd else ("zebra", "isisd"):
            stem = f"{self.folder}/{daemon}"
            control = ["--bfdctl", f"{stem}.sock"] if daemon == "bfdd" else []
            self._processes.append(node.spawn(
                [f"{FRR}/{daemon}", *control, "-f", f"{stem}.conf", "-i", f"{stem}.pid", "-z",
                 f"{self.folder}/zserv.api", "--vty_socket", str(self.folder), "-P", "0"], f"{stem}.log"))

    def _write(self, name, text):
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        user = pwd.getpwnam("frr")
        os.chown(path, user.pw_uid, user.pw_gid)

    def _isis_text(self, hello_interval, hello_multiplier, bfd):
        node, plan = self.node, self.node.net.plan
        lines = [f"hostname {node.name}"]
        for link in plan.links_of(node.name):
            end = link.end_of(node.name)
            lines += [f"interface {link.interfaces[end].name}", " ipv6 router isis lab"]
            if plan.nodes[link.other(node.name)].router:
                lines += [" isis network point-to-point", f" isis hello-interval {hello_interval}",
                          f" isis hello-multiplier {hello_multiplier}", f" isis metric {link.metrics[end]}"]
                lines += [" isis bfd", " isis bfd profile lab"] if bfd else []
            else:
                lines.append(" isis passive")
        neighbors = [plan.nodes[link.other(node.name)] for link in plan.edge_links_of(node.name)]
        hosts = [prefix for host in neighbors for prefix in host.prefixes if ":" in prefix]
        lines += [f"ipv6 prefix-list hosts permit {prefix}" for prefix in hosts]
        lines += ["route-map hosts permit 10", " match ipv6 address prefix-list hosts"] if hosts else []
        number = list(plan.nodes).index(node.name) + 1
        # The first LSP has no neighbors in it; the next one may not wait for the default 30 s.
        lines += ["interface lo", " ipv6 router isis lab", " isis passive", "router isis lab", " lsp-gen-interval 1",
                  " spf-interval 1", " is-type level-2-only", " metric-style wide",
                  f" net 49.0001.0000.0000.{number:04x}.00"]
        if hosts:  # their routes are in the kernel: net.py leaves them there
            lines.append(" redistribute ipv6 kernel level-2 route-map hosts")
        return "\n".join(lines) + "\n"

    def vtysh(self, *commands):
        argv = ["vtysh", "--vty_socket", str(self.folder)]
        for command in commands:
            argv += ["-c", command]
        return self.node.run(*argv)

    def wait_up(self, patience=40):
        """Until every BFD session is up, if there are any; routes are for others to compare."""
        def up():
            sessions = json.loads(self.vtysh("show bfd peers json") or "[]")
            links = self.node.net.plan.core_links_of(self.node.name)
            return len(sessions) == len(links) and all(session.get("status") == "up" for session in sessions)

        if self._bfd:
            wait_for(up, patience, f"BFD of {self.node.name} did not come up within {patience} s", Restless)

    def kill(self):
        for process in self._processes:
            process.send_signal(signal.SIGKILL)


def check_frr():
    if not os.access(f"{FRR}/isisd", os.X_OK) or not shutil.which("vtysh"):
        raise LabError("FRR is not installed: apt-get install frr (./run lab does it as root)")
