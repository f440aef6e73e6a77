// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests what sidestepd learns by rtnetlink under traffic: lost carrier, an interface taken down, a neighbor that no
// longer answers. Probes are slow here, so that netlink reports first.
#include <algorithm>
#include <array>
#include <iterator>
#include <sstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/net/protected_lab.hpp"

namespace sidestep::topo {
namespace {

class LinkUnderSidestepd : public ProtectedLab {
  protected:
    /// Starts both ends, with a second between the failure and the verdict by probes.
    testing::AssertionResult start_slow() {
        for (const auto* node : {"A", "B"}) {
            if (auto started = start(node, with_slow_probes(config(node))); !started) return started;
        }
        return testing::AssertionSuccess();
    }

    /// Takes B's end of the link down, or up again with its addresses and routes.
    void set_far_end(bool up) {
        const auto& end = lab().interface("B", "A-B");
        ASSERT_EQ(shell("B", fmt::format("ip link set dev {} {}", end.name, up ? "up" : "down")), "");
        if (up) configure("B", end.name);
    }

    /// Repeats the lab's configuration of an interface, or of it the lines with these words.
    void configure(const std::string& node, const std::string& interface, const std::string& words_of_it = "") {
        std::istringstream batch(lab().node(node).batch);
        std::string lines;
        for (std::string line; std::getline(batch, line);) {
            std::istringstream words(line);
            const std::vector<std::string> all(std::istream_iterator<std::string>(words), {});
            const bool about_it = std::ranges::search(all, std::array<std::string, 2>{"dev", interface}).size() == 2;
            if (about_it && (" " + line).contains(words_of_it)) lines += line + "\n";
        }
        // All at once: on a busy machine, a session is up again before many processes have run.
        shell(node, "ip -6 -force -batch - <<'END' 2>&1\n" + lines + "END\n");
    }
};

TEST_F(LinkUnderSidestepd, CarrierLostAtOneEndDownAtTheOther) {
    ASSERT_TRUE(start_slow());
    auto flows = Flows::start(lab());
    ASSERT_TRUE(flows) << flows.error().message;
    ASSERT_TRUE(flows->pass());

    const auto before = now_ns();
    set_far_end(false);  // B's end is administratively down, A's end loses its carrier
    for (const auto* node : {"A", "B"}) {
        EXPECT_TRUE(becomes(node, "down", "carrier-lost"));
        EXPECT_TRUE(takes(node, 1));
        EXPECT_EQ(session(node).value("state", ""), "down");
    }
    EXPECT_TRUE(flows->pass());
    set_far_end(true);
    for (const auto* node : {"A", "B"}) {
        EXPECT_TRUE(becomes(node, "up"));
        EXPECT_TRUE(takes(node, 0));
        EXPECT_EQ(session(node).value("downs", -1), 1);
    }
    EXPECT_TRUE(flows->pass());
    const auto reports = flows->stop();
    EXPECT_TRUE(healed(reports, before));
}

// The kernel forgets the routes of an interface that is taken down, and nobody may put them back.
TEST_F(LinkUnderSidestepd, AnInterfaceThatReturnsWithoutItsRoutes) {
    ASSERT_TRUE(start_both());
    auto flows = Flows::start(lab());
    ASSERT_TRUE(flows) << flows.error().message;
    ASSERT_TRUE(flows->pass());
    const auto& near = lab().interface("A", "A-B").name;
    const auto before = now_ns();
    ASSERT_EQ(shell("A", fmt::format("ip link set dev {} down", near)), "");
    EXPECT_TRUE(becomes("A", "down", "carrier-lost"));
    EXPECT_TRUE(flows->pass());
    ASSERT_EQ(shell("A", fmt::format("ip link set dev {} up", near)), "");
    configure("A", near, " addr ");
    EXPECT_TRUE(becomes("A", "up"));
    EXPECT_TRUE(takes("A", 0));
    EXPECT_THAT(shell("A", "ip -6 route get 2001:db8:d::1 2>&1; true"), testing::HasSubstr("unreachable"));
    EXPECT_TRUE(flows->pass(1000));
    // A successor, too, looks for what has no route.
    ASSERT_TRUE(kill("A"));
    EXPECT_TRUE(flows->pass());
    ASSERT_TRUE(start("A"));
    EXPECT_TRUE(flows->pass(1000));
    configure("A", near);
    EXPECT_TRUE(flows->pass());
    EXPECT_TRUE(healed(flows->stop(), before));
}

// Others switch IPv6 off on an interface, or lower its MTU too far. Its probes would still be answered.
TEST_F(LinkUnderSidestepd, Ipv6SwitchedOffOnTheInterface) {
    ASSERT_TRUE(start_both());  // B sees it by its own probes, which A has to forward
    auto flows = Flows::start(lab());
    ASSERT_TRUE(flows) << flows.error().message;
    ASSERT_TRUE(flows->pass());
    const auto& end = lab().interface("A", "A-B");
    const auto before = now_ns();
    const auto off = fmt::format("sysctl -qw net.ipv6.conf.{}.disable_ipv6=", end.name);
    const auto mtu = fmt::format("ip link set dev {} mtu ", end.name);
    const auto small_mtu = mtu + "1000";
    const auto full_mtu = mtu + "1500";
    for (const auto& [switch_off, switch_on] : {std::pair(off + "1", off + "0"), std::pair(small_mtu, full_mtu)}) {
        ASSERT_EQ(shell("A", switch_off), "");
        EXPECT_TRUE(becomes("A", "down", "ip-off"));
        EXPECT_TRUE(takes("A", 1));
        EXPECT_TRUE(flows->pass());
        ASSERT_EQ(shell("A", switch_on), "");
        configure("A", end.name);
        for (const auto* node : {"A", "B"}) EXPECT_TRUE(becomes(node, "up"));
        EXPECT_TRUE(takes("A", 0));
        EXPECT_TRUE(flows->pass());
    }
    EXPECT_TRUE(healed(flows->stop(), before));
}

TEST_F(LinkUnderSidestepd, ARecreatedInterfaceIsTakenUpAgain) {
    ASSERT_TRUE(start_both());
    const auto& near = lab().interface("A", "A-B");
    const auto& far = lab().peer("A", "A-B");
    ASSERT_EQ(shell("A", fmt::format("ip link del dev {}", near.name)), "");
    EXPECT_TRUE(becomes("A", "down", "carrier-lost"));
    EXPECT_TRUE(becomes("B", "down", "carrier-lost"));
    ASSERT_EQ(shell("A", fmt::format("ip link add name {} index 7001 address {} type veth peer name {} index 7002 "
                                     "address {} netns {}",
                                     near.name, near.mac, far.name, far.mac, lab().netns("B").name())),
              "");
    configure("A", near.name);
    configure("B", far.name);
    for (const auto* node : {"A", "B"}) {
        EXPECT_TRUE(becomes(node, "up"));
        EXPECT_TRUE(takes(node, 0));
    }
    auto flows = Flows::start(lab());
    ASSERT_TRUE(flows) << flows.error().message;
    EXPECT_TRUE(flows->pass());
    EXPECT_TRUE(lossless(flows->stop()));
    EXPECT_TRUE(hooked("A", near.name));
    ASSERT_TRUE(stop("A"));
    EXPECT_FALSE(hooked("A", near.name));
}

TEST_F(LinkUnderSidestepd, AFailedNeighborIsLeftUntilItAnswersAgain) {
    ASSERT_TRUE(start("A"));
    auto flows = Flows::start(lab());
    ASSERT_TRUE(flows) << flows.error().message;
    ASSERT_TRUE(flows->pass());

    const auto before = now_ns();
    // Removes the address of B that A routes to; frames, and so probes, still pass.
    const auto& far = lab().peer("A", "A-B");
    const auto address = far.link_local.to_string();
    ASSERT_EQ(shell("B", fmt::format("ip addr del {}/64 dev {}", address, far.name)), "");
    const auto& near = lab().interface("A", "A-B").name;
    shell("A", fmt::format("sysctl -qw net.ipv6.neigh.{}.retrans_time_ms=50", near));
    ASSERT_EQ(shell("A", fmt::format("ip neigh replace {} lladdr {} dev {} nud probe", address, far.mac, near)), "");
    EXPECT_TRUE(becomes("A", "down", "neighbor-failed"));
    EXPECT_TRUE(takes("A", 1));
    EXPECT_TRUE(flows->pass());
    // Answered probes alone do not restore it.
    const auto answered = session("A").value("answered", std::uint64_t{0});
    EXPECT_TRUE(wait_for(kPatience, [&] { return session("A").value("answered", std::uint64_t{0}) > answered + 200; }));
    EXPECT_EQ(session("A").value("state", ""), "down");

    ASSERT_EQ(shell("B", fmt::format("ip addr add {}/64 dev {} nodad", address, far.name)), "");
    EXPECT_TRUE(becomes("A", "up"));
    EXPECT_TRUE(takes("A", 0));
    EXPECT_TRUE(flows->pass());
    EXPECT_TRUE(healed(flows->stop(), before));  // the kernel may drop a packet before it reports that it gave up
}

TEST_F(LinkUnderSidestepd, ANewMacAddressOfTheNeighborIsLearned) {
    ASSERT_TRUE(start("A"));
    const auto& far = lab().peer("A", "A-B");
    ASSERT_EQ(shell("B", fmt::format("ip link set dev {} address 02:53:ff:ff:ff:ff", far.name)), "");
    // A sends to a MAC address that nobody has. It asks for B at once, and may know better before the session is down.
    EXPECT_TRUE(wait_for(kPatience, [&] { return session("A").value("lost", std::uint64_t{0}) > 0; }));
    const auto& near = lab().interface("A", "A-B").name;
    shell("A", fmt::format("sysctl -qw net.ipv6.neigh.{}.retrans_time_ms=50", near));
    const auto probe =
        fmt::format("ip neigh replace {} lladdr {} dev {} nud probe", far.link_local.to_string(), far.mac, near);
    ASSERT_EQ(shell("A", probe), "");  // neighbor discovery finally notices
    EXPECT_TRUE(becomes("A", "up"));
    const auto answered = session("A").value("answered", std::uint64_t{0});
    EXPECT_TRUE(wait_for(kPatience, [&] { return session("A").value("answered", std::uint64_t{0}) > answered + 200; }));
}

}  // namespace
}  // namespace sidestep::topo
