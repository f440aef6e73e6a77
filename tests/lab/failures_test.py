# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Each failure does what it says, and is mended."""
import time
import unittest

from lab_case import LOSS_MS, SQUARE, SquareCase, eventually, processes_with, run_tests

from sidestep_lab import LabError, LabNet


class Plain(SquareCase):
    """Without Sidestep: what happens to packets."""

    def during(self, kind, source="S", target="T", **settings):
        """The flow's result, of which the middle third is under the failure."""
        flow = self.net.start_flow(source, target, rate=1000)
        time.sleep(0.2)
        failure = self.net.fail(kind, **settings)
        time.sleep(0.2)
        failure.end()
        time.sleep(0.2)
        return flow.stop()

    def test_a_silent_drop_loses_everything_while_it_lasts(self):
        result = self.during("silent-drop", link="A-B")
        self.assertEqual(len(result.windows), 1)
        self.assertGreater(result.loss_window_ms, 190)
        self.assertEqual(self.net["A"].run("cat", "/sys/class/net/to-B/carrier").strip(), "1")

    def test_one_direction_leaves_the_other(self):
        self.assertGreater(self.during("silent-drop", link="A-B", from_="A").lost, 100)
        self.assertEqual(self.during("silent-drop", link="A-B", from_="B").lost, 0)

    def test_loss_is_a_share_and_follows_the_seed(self):
        lost = []
        for seed in (7, 7, 8):
            flow = self.net.start_flow("S", "T", rate=2000)
            failure = self.net.fail("loss", link="A-B", percent=20, seed=seed)
            time.sleep(0.5)
            failure.end()
            result = flow.stop()
            self.assertGreater(result.lost, 0.12 * result.sent)
            self.assertLess(result.lost, 0.28 * result.sent)
            came = {number for number, _ in result.arrivals}
            lost.append([number for number in range(800) if number not in came])
        # Packets of the kernel shift the numbers by a few; most of the pattern is the same.
        self.assertNotEqual(lost[0], lost[2])

    def test_a_node_that_crashed_is_silent_on_all_links(self):
        self.assertGreater(self.during("node-crash", node="B").loss_window_ms, 190)

    def test_an_interface_that_is_set_down_comes_back_with_its_routes(self):
        before = self.net.routes()
        for kind, settings in (("admin-down", {"node": "A"}), ("carrier-loss", {"seen_by": "A"})):
            with self.subTest(kind):
                self.assertGreater(self.during(kind, link="A-B", **settings).lost, 100)
                self.assertTrue(eventually(lambda: self.net.routes() == before), self.net.routes())
                self.net.wait_reachable("S", "T")

    def test_carrier_loss_leaves_the_near_interface_up(self):
        failure = self.net.fail("carrier-loss", link="A-B", seen_by="A")
        flags = self.net["A"].run("ip", "link", "show", "to-B")
        failure.end()
        self.assertIn("NO-CARRIER", flags)
        self.assertIn(",UP", flags)
        self.net.wait_reachable("S", "T")

    def test_flapping_comes_and_goes(self):
        flow = self.net.start_flow("S", "T", rate=1000)
        failure = self.net.fail("flapping", link="A-B", period=0.2)
        time.sleep(0.75)
        failure.end()
        result = flow.stop()
        self.assertGreaterEqual(len(result.windows), 3)
        self.assertLess(result.loss_window_ms, 190)
        self.net.wait_reachable("S", "T")

    def test_large_packets_vanish_and_small_ones_do_not(self):
        failure = self.net.fail("large-packets", link="A-B", above=500)
        for payload, lost in ((64, False), (1000, True)):
            flow = self.net.start_flow("S", "T", rate=1000, payload=payload)
            time.sleep(0.1)
            result = flow.stop()
            self.assertEqual(result.lost, result.sent if lost else 0)
        failure.end()
        self.assertEqual(self.during("large-packets", link="A-B", above=500).lost, 0)

    def taken_ms(self, source, target, rate=1000):
        """The shortest and the longest time of the packets of a flow, and its result."""
        flow = self.net.start_flow(source, target, rate=rate)
        time.sleep(0.2)
        result = flow.stop()
        took = [(received - result.sent_ns[number]) / 1e6 for number, received in result.arrivals]
        self.assertEqual(result.lost, 0)
        return min(took), max(took), result

    def test_a_slow_link_delays_and_loses_nothing(self):
        failure = self.net.fail("delay", link="A-B", delay=0.03)
        self.assertEqual(self.net["A"].run("cat", "/sys/class/net/to-B/carrier").strip(), "1")
        least, _, result = self.taken_ms("S", "T")
        self.assertGreater(least, 29.9)
        self.assertEqual(result.reordered, 0)
        failure.end()
        self.assertEqual(failure.overflowed, 0)
        self.assertLess(self.taken_ms("S", "T")[0], 29)
        self.assertNotIn("lab-line", self.net["A"].run("ip", "link"))
        self.assertEqual(self.during("delay", link="A-B", delay=0.03).lost, 0, "neither at its beginning nor at its end")

    def test_a_slow_direction_leaves_the_other(self):
        failure = self.net.fail("delay", link="A-B", delay=0.1, from_="B")
        self.assertLess(self.taken_ms("S", "T")[0], 99)
        self.assertGreater(self.taken_ms("T", "S")[0], 99.9)
        failure.end()

    def test_jitter_reorders_only_if_it_may(self):
        for reorder in (False, True):
            failure = self.net.fail("jitter", link="A-B", delay=0.03, jitter=0.02, reorder=reorder)
            least, most, result = self.taken_ms("S", "T")
            failure.end()
            self.assertGreater(least, 9.9)
            self.assertGreater(most, 40)
            self.assertEqual(result.reordered > 0, reorder)

    def test_a_slow_link_can_be_cut_as_well(self):
        slow = self.net.fail("delay", link="A-B", delay=0.01)
        self.assertGreater(self.during("silent-drop", link="A-B").loss_window_ms, 190)
        with self.assertRaisesRegex(LabError, "A-B has failed already .delay.: end that first"):
            self.net.fail("admin-down", link="A-B", node="A")
        self.assertGreater(self.taken_ms("S", "T")[0], 9.9)
        slow.end()

    def test_removed_interfaces_come_back(self):
        before = self.net.routes()
        index = self.net["A"].run("cat", "/sys/class/net/to-B/ifindex")
        self.assertGreater(self.during("interface-removed", link="A-B").lost, 100)
        self.assertNotEqual(self.net["A"].run("cat", "/sys/class/net/to-B/ifindex"), index)
        self.assertTrue(eventually(lambda: self.net.routes() == before), self.net.routes())
        self.net.wait_reachable("S", "T")
        self.assertGreater(self.during("silent-drop", link="A-B").lost, 100, "the new link can be cut, too")

    def test_hogs_end_with_their_failure(self):
        for kind in ("cpu-hogs", "fifo-hogs"):
            with self.subTest(kind):
                before = set(processes_with("while :; do :; done"))
                failure = self.net.fail(kind)
                self.assertTrue(eventually(lambda: set(processes_with("while :; do :; done")) - before))
                failure.end()
                self.assertTrue(eventually(lambda: not set(processes_with("while :; do :; done")) - before))

    def test_a_flood_is_forwarded_beside(self):
        def forwarded():
            text = self.net["A"].run("cat", "/proc/net/snmp6")
            return int(next(line.split()[1] for line in text.splitlines() if line.startswith("Ip6OutForwDatagrams")))

        before = forwarded()
        failure = self.net.fail("forwarding-flood", from_="S", to="T", rate=5000)
        self.assertTrue(eventually(lambda: forwarded() > before + 500))
        failure.end()

    def test_tcp_stalls_while_its_path_is_cut(self):
        connection = self.net.start_tcp("S", "T", 10)
        time.sleep(0.3)
        failure = self.net.fail("silent-drop", link="A-B")
        time.sleep(0.3)
        failure.end()
        self.net.wait_reachable("S", "T")
        time.sleep(0.5)  # its timer doubles each time it runs out
        result = connection.stop()
        self.assertGreater(result.stall_ms(failure.began_ns - 20_000_000, failure.ended_ns), 250)
        self.assertLess(result.goodput(failure.began_ns, failure.ended_ns), 0.2)
        self.assertGreater(result.sent, 0)

    def test_what_cannot_fail_is_named(self):
        self.net.fail("silent-drop", link="A-B")
        with self.assertRaisesRegex(LabError, "A-B has failed already"):
            self.net.fail("node-crash", node="A")
        self.net.mend()
        for settings, message in (({"kind": "fire"}, "unknown failure fire"),
                                  ({"kind": "silent-drop", "link": "A-X"}, "no link A-X"),
                                  ({"kind": "loss", "link": "A-B", "percent": 101}, "percent is between 0.001 and 100"),
                                  ({"kind": "large-packets", "link": "A-B", "above": 10}, "above is between 64"),
                                  ({"kind": "delay", "link": "A-B"}, "delay needs delay"),
                                  ({"kind": "delay", "link": "A-B", "delay": 5}, "delay is between 0.0001 and 1 s"),
                                  ({"kind": "forwarding-flood", "from_": "S", "to": "X"}, "no node X"),
                                  ({"kind": "detector-killed", "node": "A"}, "no sidestepd runs on A")):
            with self.assertRaisesRegex(LabError, message):
                self.net.fail(**settings)
        self.assertEqual(self.net.failures, [])


class Abandoned(unittest.TestCase):
    """The process that delays packets is killed: they pass again."""

    def test_a_slow_link_is_fast_without_its_agent(self):
        with LabNet(SQUARE) as net:
            net.wait_reachable("S", "T")
            net.fail("delay", link="A-B", delay=0.5)
            self.assertIn("lab-line", net["A"].run("ip", "link"))
            net.agent.kill()
            self.assertTrue(eventually(lambda: "lab-line" not in net["A"].run("ip", "link")))
            net["S"].run("ping", "-c", "1", "-W", "1", net.plan.node("T").address)


class Protected(SquareCase):
    """With Sidestep on all four routers."""
    protected = True

    def setUp(self):
        self.net.wait_up()

    def window_of(self, kind, **settings):
        flow = self.net.start_flow("S", "T", rate=2000)
        time.sleep(0.1)
        self.net.fail(kind, **settings)
        time.sleep(0.2)
        result = flow.stop()
        self.assertTrue(result.recovered, result)
        return result.loss_window_ms

    def tearDown(self):
        self.net.mend()

    def test_failures_of_a_link_are_repaired(self):
        for kind, settings in (("silent-drop", {}), ("silent-drop", {"from_": "A"}), ("carrier-loss", {"seen_by": "A"}),
                               ("admin-down", {"node": "A"})):
            with self.subTest(kind, **settings):
                self.assertLess(self.window_of(kind, link="A-B", **settings), LOSS_MS)
            self.net.mend()
            self.net.wait_up()

    def test_the_kernel_repairs_without_its_detector(self):
        for kind in ("detector-killed", "detector-stopped"):
            with self.subTest(kind):
                self.net.fail(kind, node="A")
                self.assertLess(self.window_of("silent-drop", link="A-B"), LOSS_MS)
            self.net.mend()
            self.net.wait_up()

    def test_two_labs_side_by_side(self):
        with LabNet(SQUARE) as other:
            other.wait_reachable("S", "T")
            other.fail("silent-drop", link="A-B")
            flow = self.net.start_flow("S", "T", rate=1000)
            time.sleep(0.2)
            self.assertEqual(flow.stop().lost, 0)


if __name__ == "__main__":
    run_tests()
