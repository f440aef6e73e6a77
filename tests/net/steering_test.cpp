// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests explicit steering: routes that lead into the policy device or past our programs. Forwarded and local packets,
// both families, TCP in GSO packets; and nothing is left behind.
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/net/repair_lab.hpp"
#include "tests/net/tcp_stream.hpp"

namespace sidestep::topo {
namespace {

using testing::HasSubstr;
using testing::Not;

class Steering : public RepairLab {
  protected:
    /// Everything that sidestepd puts into the kernel's tables of A.
    std::string installed() {
        return shell("A",
                     "ip -6 route show table all | grep -E 'pref low|sidestep-| proto 86 '; "
                     "ip -4 route show table all | grep -E 'dev sr0|sidestep-| proto 86 '; "
                     "ip -o link | grep -w sr0; ls -d /sys/class/net/sr0 2>/dev/null");
    }
};

class SteeringKind : public Steering, public testing::WithParamInterface<const char*> {
  protected:
    /// All kinds except lwt-in also take local packets and IPv4.
    [[nodiscard]] bool takes_all() const { return std::string_view(GetParam()) != "lwt-in"; }
    /// Streams to D, from S and from A itself, in both families.
    std::vector<TcpStream> streams() {
        std::vector<TcpStream> all;
        for (const auto* from : {"S", "A"}) {
            for (const bool v4 : {false, true}) {
                if ((*from == 'A' || v4) && !takes_all()) continue;
                const auto source = v4 ? lab().address_v4(from) : lab().address(from);
                auto stream = TcpStream::start(lab().netns(from), lab().netns("D"), source,
                                               v4 ? lab().address_v4("D") : lab().address("D"));
                EXPECT_TRUE(stream) << stream.error().message;
                if (stream) all.push_back(std::move(*stream));
            }
        }
        return all;
    }
    /// Waits until each stream has received another half megabyte.
    testing::AssertionResult go_on(const std::vector<TcpStream>& all) {
        std::vector<std::uint64_t> goals;
        for (const auto& stream : all) goals.push_back(stream.received() + 500'000);
        std::size_t slowest = 0;
        const bool reached = eventually([&] {
            for (slowest = 0; slowest < all.size(); ++slowest) {
                if (all[slowest].received() < goals[slowest]) return false;
            }
            return true;
        });
        if (reached) return testing::AssertionSuccess();
        return testing::AssertionFailure() << "stream " << slowest << " is stuck";
    }
};

TEST_P(SteeringKind, ForwardedAndLocalPacketsTakeThePolicy) {
    ASSERT_TRUE(start_with(steered_config(GetParam()), policy_config("B")));
    EXPECT_TRUE(hooked("A", "to-B"));
    EXPECT_FALSE(hooked("A", "to-S"));
    auto flows = takes_all() ? dual_flows() : Flows::start(lab());
    ASSERT_TRUE(flows) << flows.error().message;
    if (takes_all()) {
        ASSERT_TRUE(flows->add(lab(), "A", "D", {.rate = 1000}));
        ASSERT_TRUE(flows->add_v4(lab(), "A", "D", {.rate = 1000}));
    }
    survives_cut(std::move(*flows));
    EXPECT_GT(taken("A", "far", 1), 0U);
}

TEST_P(SteeringKind, TcpArrivesIntactThroughCutAndRestore) {
    ASSERT_TRUE(start_with(steered_config(GetParam()), policy_config("B")));
    auto all = streams();
    EXPECT_TRUE(go_on(all));
    cut().cut();
    EXPECT_TRUE(becomes("A", "down"));
    EXPECT_TRUE(becomes("B", "down"));
    EXPECT_TRUE(go_on(all));
    EXPECT_TRUE(go_on(all));
    const auto detour = policy("A", "far")["candidates"][1];
    const auto packets = detour.value("packets", std::uint64_t{0});
    EXPECT_GT(packets, 0U);
    EXPECT_GT(detour.value("bytes", std::uint64_t{0}), packets * 2000) << "these should be GSO packets";
    cut().restore();
    EXPECT_TRUE(becomes("A", "up"));
    EXPECT_TRUE(becomes("B", "up"));
    EXPECT_TRUE(go_on(all));
    for (auto& stream : all) {
        const auto bytes = stream.finish();
        EXPECT_TRUE(bytes) << bytes.error().message;
    }
}

INSTANTIATE_TEST_SUITE_P(Kinds, SteeringKind, testing::Values("device", "lwt-xmit", "lwt-in"), [](const auto& kind) {
    std::string name = kind.param;
    std::erase(name, '-');
    return name;
});

TEST_F(Steering, StartAndStopUnderTraffic) {
    auto flows = dual_flows();
    ASSERT_TRUE(flows) << flows.error().message;
    ASSERT_TRUE(flows->pass());
    const auto begin = now_ns();
    ASSERT_TRUE(start("A", steered_config("device")));
    EXPECT_THAT(shell("A", "ip -6 route get " + lab().address("D").to_string()), HasSubstr("dev sr0"));
    EXPECT_TRUE(flows->pass());
    ASSERT_TRUE(stop("A"));
    EXPECT_TRUE(flows->pass());
    EXPECT_TRUE(healed(flows->stop(), begin));
    EXPECT_EQ(installed(), "");
}

// There is no ordinary path out of the device: until it can send to a neighbor, the kernel's routes stay.
TEST_F(Steering, NothingIsSteeredIntoTheDeviceBeforeANeighborIsKnown) {
    auto other = lab().install_cut("A-C");
    ASSERT_TRUE(other);
    cut().cut();
    other->cut();
    shell("A", "ip -6 neigh flush dev to-B; ip -6 neigh flush dev to-C");
    ASSERT_TRUE(launch("A", steered_config("device")));
    ASSERT_TRUE(eventually([&] { return ask("A", "status").contains("clock"); }));
    ASSERT_TRUE(eventually([&] { return installed().find("sr0") != std::string::npos; }));
    std::this_thread::sleep_for(300ms);  // the only way to see that nothing happens
    EXPECT_THAT(installed(), Not(HasSubstr("2001:db8:d::/48")));
    other->restore();
    EXPECT_TRUE(eventually([&] { return installed().find("2001:db8:d::/48") != std::string::npos; }));
    cut().restore();
    EXPECT_TRUE(becomes("A", "up"));
    EXPECT_TRUE(lab().ping("S", "D"));
    ASSERT_TRUE(stop("A"));
    EXPECT_EQ(installed(), "");
}

TEST_F(Steering, NothingIsLeftAfterACrashAndASuccessorsEnd) {
    for (const auto* steering : {"device", "lwt-xmit", "lwt-in"}) {
        SCOPED_TRACE(steering);
        ASSERT_TRUE(start("A", steered_config(steering)));
        ASSERT_TRUE(kill("A"));
        EXPECT_THAT(installed(), HasSubstr("2001:db8:d::/48"));
        EXPECT_EQ(installed().find("203.0.113.0/24") != std::string::npos, std::string_view(steering) != "lwt-in");
        EXPECT_TRUE(lab().ping("S", "D"));
        ASSERT_TRUE(start("A", steered_config(steering)));
        EXPECT_TRUE(lab().ping("S", "D"));
        ASSERT_TRUE(stop("A"));
        EXPECT_EQ(installed(), "");
        EXPECT_TRUE(lab().ping("S", "D"));
    }
}

TEST_F(Steering, NothingIsLeftAfterFlush) {
    for (const auto* steering : {"device", "lwt-in"}) {
        SCOPED_TRACE(steering);
        ASSERT_TRUE(start("A", steered_config(steering)));
        ASSERT_TRUE(kill("A"));
        const auto flushed = run_sidestepd("A", steered_config(steering), {}, "", {"--flush"});
        EXPECT_EQ(flushed.code, 0) << flushed.output;
        EXPECT_EQ(installed(), "");
        EXPECT_TRUE(lab().ping("S", "D"));
    }
}

}  // namespace
}  // namespace sidestep::topo
