# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""BIRD's OSPFv3 for IPv6 on one router, with its BFD if asked for. Static routes of the plan give way."""
import re
import shutil
import signal

from .daemons import Restless, wait_for
from .plan import LabError

MOST_COST = 65535  # OSPF counts a link in 16 bits (RFC 5340, section A.4.3)
MULTIPATH = 16


def check_bird():
    if not shutil.which("bird") or not shutil.which("birdc"):
        raise LabError("BIRD is not installed: apt-get install --no-install-recommends bird2 (./run lab does it as root)")


def check_costs(plan):
    """Raises LabError for a link that OSPF cannot count."""
    for link in plan.links.values():
        if max(link.metrics) > MOST_COST:
            raise LabError(f"link {link.id} has the metric {max(link.metrics)}; OSPF counts at most {MOST_COST}")


def bird_config(node, hello_interval=1, hello_multiplier=3, bfd=None):
    """The text of bird.conf: all links in one area, those to routers as point-to-point, those to hosts announced only.
    Routes to the router's own hosts stay those of the plan, and are announced as networks behind it."""
    plan = node.net.plan
    number = list(plan.nodes).index(node.name) + 1
    core, stubs = [], []
    for link in plan.core_links_of(node.name):
        end = link.end_of(node.name)
        core += [f'  interface "{link.interfaces[end].name}" {{ type ptp; cost {link.metrics[end]}; '
                 f'hello {hello_interval}; dead count {hello_multiplier};{" bfd yes;" if bfd else ""} }};']
    for link in plan.edge_links_of(node.name):
        stubs.append(f'  interface "{link.interfaces[link.end_of(node.name)].name}" {{ stub yes; }};')
        host = plan.nodes[link.other(node.name)]
        stubs += [f"  stubnet {prefix} {{ cost {link.metrics[link.end_of(node.name)]}; }};"
                  for prefix in host.prefixes if ":" in prefix]
    # `lo` has no link-local address, so to OSPFv3 it is no interface.
    own = [node.plan.locator, *([f"{node.plan.loopback}/128"] if node.plan.loopback else [])]
    stubs += [f"  stubnet {prefix} {{ cost 0; }};" for prefix in own]
    # `direct` keeps the kernel's own routes from being installed again; a route to a stub network of one's own is
    # unreachable, and the plan's is the one that counts.
    lines = ["log stderr all;", f"router id 10.0.{number >> 8}.{number & 255};", "protocol device { }",
             "protocol direct { ipv6; }", "protocol kernel {", f"  merge paths yes limit {MULTIPATH};",
             "  ipv6 { import none; export where source = RTS_OSPF && dest = RTD_UNICAST; };", "}"]
    if bfd:
        lines += ["protocol bfd {", f'  interface "*" {{ interval {bfd[0]} ms; multiplier {bfd[1]}; }};', "}"]
    lines += ["protocol ospf v3 {", " ipv6 { import all; export none; };", " area 0 {", *core, *stubs, " };", "}"]
    return "\n".join(lines) + "\n"


class Ospf:
    """The running bird of one router, with its configuration, socket and log in the lab's folder."""

    def __init__(self, node, **settings):
        """hello_interval (seconds), hello_multiplier; bfd: (milliseconds, multiplier), or None: it relies on hellos."""
        check_bird()
        check_costs(node.net.plan)
        self.node, self._bfd = node, settings.get("bfd")
        self.folder = node.net.folder / f"{node.name}-bird"
        self.folder.mkdir()
        self._socket = self.folder / "bird.ctl"
        file = self.folder / "bird.conf"
        file.write_text(bird_config(node, **settings), encoding="utf-8")
        self.log = self.folder / "bird.log"
        self._process = node.spawn(["bird", "-f", "-c", str(file), "-s", str(self._socket)], self.log)

    def birdc(self, *words):
        """What birdc prints; empty while BIRD does not answer."""
        return self.node.run("birdc", "-s", str(self._socket), *words, check=False)

    def wait_up(self, patience=40):
        """Until every neighbor, and every BFD session if there are any, is up."""
        links = len(self.node.net.plan.core_links_of(self.node.name))

        def up():
            if self._process.poll() is not None:
                raise LabError(f"bird on {self.node.name} ended: "
                               f"{self.log.read_text(encoding='utf-8', errors='replace')[-2000:]}")
            if len(re.findall(r"\bFull/", self.birdc("show", "ospf", "neighbors"))) != links:
                return False
            return not self._bfd or len(re.findall(r"\bUp\b", self.birdc("show", "bfd", "sessions"))) == links

        wait_for(up, patience, f"OSPF{' or BFD' if self._bfd else ''} of {self.node.name} did not come up within "
                               f"{patience} s; its log: {self.log}", Restless)

    def kill(self):
        self._process.send_signal(signal.SIGKILL)
