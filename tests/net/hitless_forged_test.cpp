// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Copies that the head end did not send: a damaged or forged number, and a second sender of the same flow.
#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <thread>

#include <gmock/gmock.h>

#include "bpf/lib/sequence_number.h"
#include "tests/net/hitless_lab.hpp"
#include "topo/socket.hpp"

namespace sidestep::topo {
namespace {

using std::chrono_literals::operator""s;
using std::chrono_literals::operator""ms;

class HitlessForged : public HitlessLab {
  protected:
    /// Sends B a copy from C with the number with which a sender began this long before now, or after it.
    void send_copy(std::chrono::seconds before_now) {
        const auto now = std::chrono::system_clock::now().time_since_epoch();
        const auto began = std::chrono::duration_cast<std::chrono::seconds>(now) - before_now;
        auto argument = std::uint64_t{7} << (64 - SS_FLOW_BITS) | ss_first_number(static_cast<__u64>(began.count()));
        auto sid = merging("B");
        for (std::size_t i = 16; i > 8; argument >>= 8) sid.bytes.at(--i) = static_cast<std::uint8_t>(argument);
        std::array<std::uint8_t, 40> inner{0x60};
        inner[6] = IPPROTO_NONE;
        inner[7] = 64;
        std::ranges::copy(lab().address("S").bytes, inner.begin() + 8);
        std::ranges::copy(lab().address("D").bytes, inner.begin() + 24);
        const auto sent = lab().in("C", [&]() -> Result<void> {
            const Fd socket(::socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_IPV6));
            const auto from = socket_address(sender());
            const auto to = socket_address(sid);
            if (!socket || ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&from), sizeof from) != 0 ||
                ::sendto(socket.get(), inner.data(), inner.size(), 0, reinterpret_cast<const sockaddr*>(&to),
                         sizeof to) < 0)
                return fail_errno("cannot send");
            return {};
        });
        ASSERT_TRUE(sent) << sent.error().message;
    }
    [[nodiscard]] Address sender() const { return *lab().graph().node(lab().id_of("C")).loopback; }
    /// What B's status says about the flow.
    std::string problem() {
        for (const auto& one : ask("B", "status").value("problems", json::array())) {
            if (one.value("about", "") == "flow 7") return one.value("problem", "");
        }
        return {};
    }
};

TEST_F(HitlessForged, ASingleNumberFarAheadSilencesNothing) {
    start_hitless();
    auto flows = dual_flows();
    ASSERT_TRUE(flows) << flows.error().message;
    ASSERT_TRUE(flows->pass());
    for (int round = 1; round <= 5; ++round) {
        send_copy(-1000s * round);
        std::this_thread::sleep_for(100ms);
        EXPECT_TRUE(flows->pass());
    }
    EXPECT_TRUE(perfect(flows->stop()));
    EXPECT_EQ(counter("B", "stale-copy"), 5U);
    EXPECT_EQ(problem(), "");
}

TEST_F(HitlessForged, ASecondSenderIsNamed) {
    start_hitless();
    auto flows = dual_flows();
    ASSERT_TRUE(flows) << flows.error().message;
    ASSERT_TRUE(flows->pass());
    EXPECT_TRUE(eventually([&] {
        send_copy(1000s);
        return !problem().empty();
    }));
    EXPECT_THAT(problem(), testing::HasSubstr("copies by list 0 from " + sender().to_string() + " are "));
    EXPECT_THAT(problem(), testing::HasSubstr("another node sends the same flow"));
    EXPECT_THAT(cli("B", "doctor"), testing::HasSubstr("flow 7: copies by list 0 from "));
    EXPECT_TRUE(perfect(flows->stop()));
}

}  // namespace
}  // namespace sidestep::topo
