// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests whom a configuration lets the reflectors answer, and the exact complaint about each bad value.
#include <gtest/gtest.h>

#include "tests/unit/detector/config/config_text.hpp"

namespace sidestep {
namespace {

using namespace std::chrono_literals;

TEST(ConfigReflectors, AreOffByDefault) {
    const auto config = read_good(Parts{}.text());
    EXPECT_FALSE(config.stamp);
    EXPECT_FALSE(config.sbfd);
}

TEST(ConfigReflectors, AnswerAtTheNodesAddressWhomTheyAreTold) {
    Parts parts;
    parts.node = R"(node: {name: A, source-address: "fd00:a::1", source-address-ipv4: 192.0.2.1})";
    parts.more = "sr-domain: [\"fd00::/16\"]\nstamp: {sources: sr-domain}";
    const auto stamp = read_good(parts.text()).stamp;
    ASSERT_TRUE(stamp);
    EXPECT_EQ(stamp->port, 862);
    EXPECT_EQ(stamp->addresses, (std::vector{address("fd00:a::1"), address("192.0.2.1")}));
    EXPECT_EQ(stamp->sources, std::vector{Prefix::covering(address("fd00::"), 16)});
    EXPECT_EQ(stamp->rate, 10'000U);
    EXPECT_FALSE(stamp->stateful || stamp->ptp);
}

TEST(ConfigReflectors, HaveAllTheirSettings) {
    Parts parts;
    parts.more =
        "stamp: {sources: [192.0.2.0/24], addresses: [192.0.2.1], port: 10862, rate: 5, mode: stateful, timestamps: "
        "ptp}\n"
        "sbfd: {sources: [\"fd00::/8\"], discriminators: [7, 192.0.2.1], receive-interval: 5ms, admin-down: true}";
    const auto config = read_good(parts.text());
    ASSERT_TRUE(config.stamp && config.sbfd);
    EXPECT_EQ(config.stamp->port, 10'862);
    EXPECT_EQ(config.stamp->sources, std::vector{Prefix::covering(address("192.0.2.0"), 96 + 24)});
    EXPECT_EQ(config.stamp->rate, 5U);
    EXPECT_TRUE(config.stamp->stateful && config.stamp->ptp);
    EXPECT_EQ(config.sbfd->port, 7784);
    EXPECT_EQ(config.sbfd->discriminators, (std::vector{7U, 0xc0000201U}));
    EXPECT_EQ(config.sbfd->receive_interval, 5ms);
    EXPECT_TRUE(config.sbfd->admin_down);
}

class BadReflector : public testing::TestWithParam<BadCase> {};

TEST_P(BadReflector, IsNamedByLineColumnFieldAndReason) {
    expect_complaints(GetParam());
}

std::vector<BadCase> bad_reflectors() {
    return {
        {"NobodyNamed", [](Parts& p) { p.more = "stamp: {}"; }, {"f:10:8: stamp.sources: missing"}},
        {"NoDomain",
         [](Parts& p) { p.more = "stamp: {sources: sr-domain}"; },
         {"f:10:18: stamp.sources: needs `sr-domain`, which has no prefixes"}},
        {"TakenPort",
         [](Parts& p) { p.more = "stamp: {sources: [\"::/0\"], port: 3784}"; },
         {"f:10:34: stamp.port: is a port of BFD"}},
        {"WellKnownPort",
         [](Parts& p) { p.more = "stamp: {sources: [\"::/0\"], port: 53}"; },
         {"f:10:34: stamp.port: must be 862, or 1024 to 65535 (RFC 8762, 4.1)"}},
        {"NoDiscriminators",
         [](Parts& p) { p.more = "sbfd: {sources: [\"::/0\"]}"; },
         {"f:10:7: sbfd.discriminators: missing"}},
        {"DiscriminatorTwice",
         [](Parts& p) { p.more = "sbfd: {sources: [\"::/0\"], discriminators: [1, 0.0.0.1]}"; },
         {"f:10:47: sbfd.discriminators[1]: '1' is already given on line 10"}},
        {"MulticastAddress",
         [](Parts& p) { p.more = R"(stamp: {sources: ["::/0"], addresses: ["ff02::1"]})"; },
         {"f:10:40: stamp.addresses[0]: must not be a multicast address"}},
    };
}

INSTANTIATE_TEST_SUITE_P(Config, BadReflector, testing::ValuesIn(bad_reflectors()), name_of);

}  // namespace
}  // namespace sidestep
