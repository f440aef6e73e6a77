// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests that LSPs which come from a neighbor are heard, and nothing else of what isisd's neighbors send all the time.
#include "detector/feed/lsp_watch.hpp"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <tuple>

#include <gtest/gtest.h>
#include <poll.h>

#include "tests/net/scratch_ns.hpp"

namespace sidestep {
namespace {

using Start = std::array<std::uint8_t, 8>;  // LLC and the common header up to the PDU type

constexpr Start start_of(unsigned type) {
    return {0xfe, 0xfe, 0x03, 0x83, 27, 1, 0, static_cast<std::uint8_t>(type)};
}

class LspWatchTest : public testing::Test {
  protected:
    void SetUp() override {
        auto made = topo::ScratchNs::make(2);
        ASSERT_TRUE(made) << made.error().message;
        ns_.emplace(std::move(*made));
        EXPECT_EQ(ns_->shell("ip link add here type veth peer name there netns " + (*ns_)[1].name() +
                             " && ip link set here up"),
                  "");
        EXPECT_EQ(ns_->shell("ip link set there up", 1), "");
        auto watch = (*ns_)[0].run(&LspWatch::open);
        ASSERT_TRUE(watch) << watch.error().message;
        watch_.emplace(std::move(*watch));
    }

    /// The neighbor sends this, in a frame of IEEE 802.3.
    void send(const Start& start) {
        const auto sent = (*ns_)[1].run([&]() -> Result<ssize_t> {
            const Fd socket(::socket(AF_PACKET, SOCK_DGRAM, 0));
            sockaddr_ll to{};
            to.sll_family = AF_PACKET;
            to.sll_protocol = htons(std::tuple_size_v<Start>);  // IEEE 802.3
            to.sll_ifindex = static_cast<int>(::if_nametoindex("there"));
            to.sll_halen = ETH_ALEN;
            constexpr std::array<std::uint8_t, ETH_ALEN> kAllIss{0x09, 0x00, 0x2b, 0x00, 0x00, 0x05};
            std::copy(kAllIss.begin(), kAllIss.end(), to.sll_addr);
            return ::sendto(socket.get(), start.data(), start.size(), 0, reinterpret_cast<const sockaddr*>(&to),
                            sizeof to);
        });
        ASSERT_TRUE(sent);
        ASSERT_EQ(*sent, static_cast<ssize_t>(start.size()));
    }
    [[nodiscard]] bool readable() const {
        constexpr int kPatience = 2000;
        pollfd waiting{.fd = watch_->fd(), .events = POLLIN, .revents = 0};
        return ::poll(&waiting, 1, kPatience) == 1;
    }

    std::optional<topo::ScratchNs> ns_;
    std::optional<LspWatch> watch_;
};

TEST_F(LspWatchTest, HearsLspsOfBothLevels) {
    for (const unsigned type : {18U, 20U, 18U | 0xe0U}) {  // the upper bits of the type are reserved
        send(start_of(type));
        EXPECT_TRUE(readable()) << type;
        EXPECT_TRUE(watch_->heard());
        EXPECT_FALSE(watch_->heard());
    }
}

TEST_F(LspWatchTest, HearsNothingElse) {
    for (const unsigned type : {15U, 16U, 17U, 24U, 25U, 26U, 27U}) send(start_of(type));  // hellos, CSNPs, PSNPs
    auto spanning_tree = start_of(18);
    spanning_tree[0] = spanning_tree[1] = 0x42;
    send(spanning_tree);
    auto esis = start_of(18);
    esis[3] = 0x82;
    send(esis);
    send(start_of(20));  // the last one
    EXPECT_TRUE(readable());
    char byte = 0;
    EXPECT_EQ(::recv(watch_->fd(), &byte, 1, 0), 1);
    EXPECT_FALSE(watch_->heard()) << "more than the last one";
}

}  // namespace
}  // namespace sidestep
