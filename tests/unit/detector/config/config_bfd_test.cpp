// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests where bfdd listens, and the exact complaint about each bad value.
#include <gtest/gtest.h>

#include "tests/unit/detector/config/config_text.hpp"

namespace sidestep {
namespace {

TEST(ConfigBfd, IsThePathThatBfddListensAt) {
    Parts parts;
    EXPECT_FALSE(read_good(parts.text()).bfd);
    parts.more = "bfd: {frr: 'unix:/run/frr/bfdd-dplane.sock'}";
    EXPECT_EQ(read_good(parts.text()).bfd, (BfdConfig{.frr = "/run/frr/bfdd-dplane.sock"}));
    parts.more = "bfd: {frr: 'unix:/run/frr/bfdd-dplane.sock', mode: probe}";
    EXPECT_EQ(read_good(parts.text()).bfd->mode, PeerMode::probe);
}

TEST(ConfigBfd, AnAdjacencySpeaksItInsteadOfProbing) {
    using namespace std::chrono_literals;
    Parts parts;
    parts.first = R"(- {name: A-B, interface: to-B, neighbor: "fe80::b", bfd: {}})";
    const auto plain = read_good(parts.text()).adjacencies.at(0);
    EXPECT_EQ(plain.bfd, (BfdSettings{.receive_interval = 2ms})) << "the node's interval";
    parts.first =
        R"(- {name: A-B, interface: to-B, neighbor: "fe80::b", bfd: {interval: 20ms, receive-interval: 10ms, )"
        R"(multiplier: 5, peer: 192.0.2.2, local-address: 192.0.2.1, passive: true, wait-to-restore: 1s}})";
    const auto full = read_good(parts.text()).adjacencies.at(0);
    EXPECT_EQ(full.bfd, (BfdSettings{.receive_interval = 10ms,
                                     .peer = address("192.0.2.2"),
                                     .local_address = address("192.0.2.1"),
                                     .passive = true}));
    EXPECT_EQ(full.probe.interval, 20ms);
    EXPECT_EQ(full.probe.multiplier, 5U);
    EXPECT_EQ(full.probe.wait_to_restore, 1s);
}

std::string with_bfd(const std::string& settings) {
    return R"(- {name: A-B, interface: to-B, neighbor: "fe80::b", bfd: )" + settings + "}";
}

class BadBfd : public testing::TestWithParam<BadCase> {};

TEST_P(BadBfd, IsNamedByLineColumnFieldAndReason) {
    expect_complaints(GetParam());
}

std::vector<BadCase> bad_bfd() {
    return {
        {"NoSocket", [](Parts& p) { p.more = "bfd: {}"; }, {"f:10:6: bfd.frr: missing"}},
        {"UnknownKey",
         [](Parts& p) { p.more = "bfd: {frr: 'unix:/x', port: 1}"; },
         {"f:10:23: bfd.port: unknown key; known: frr, mode"}},
        {"NoMode",
         [](Parts& p) { p.more = "bfd: {frr: 'unix:/x', mode: echo}"; },
         {"f:10:29: bfd.mode: must be one of: auto, probe, bfd"}},
        {"Discriminator",
         [](Parts& p) { p.first = with_bfd("{discriminator: 7}"); },
         {"f:5:74: adjacencies[0].bfd.discriminator: is for sessions of clients"}},
        {"BfddConnects",
         [](Parts& p) { p.more = "bfd: {frr: 'unixc:/x'}"; },
         {"f:10:12: bfd.frr: 'unixc:/x' does not begin with unix:: bfdd must listen at a Unix socket (its option "
          "--dplaneaddr unix:PATH)"}},
        {"RelativePath",
         [](Parts& p) { p.more = "bfd: {frr: 'unix:x'}"; },
         {"f:10:12: bfd.frr: needs an absolute path after unix:"}},
        {"NoPath",
         [](Parts& p) { p.more = "bfd: {frr: 'unix:'}"; },
         {"f:10:12: bfd.frr: needs an absolute path after unix:"}},
        {"LongPath",
         [](Parts& p) { p.more = "bfd: {frr: 'unix:/" + std::string(107, 'x') + "'}"; },
         {"f:10:12: bfd.frr: the path has 108 bytes; a Unix socket's has 107 at most"}},
        {"TooFast",
         [](Parts& p) { p.first = with_bfd("{interval: 100us}"); },
         {"f:5:69: adjacencies[0].bfd.interval: BFD needs an interval of 200 us or more"}},
        {"TwoFamilies",
         [](Parts& p) { p.first = with_bfd("{peer: 192.0.2.2, local-address: 'fe80::a'}"); },
         {"f:5:91: adjacencies[0].bfd.local-address: is not of the same family as the peer, 192.0.2.2"}},
        {"TalksToItself",
         [](Parts& p) { p.first = with_bfd("{local-address: 'fe80::b'}"); },
         {"f:5:74: adjacencies[0].bfd.local-address: is the peer; it must be an address of this node"}},
        {"ProbesToo",
         [](Parts& p) { p.first = with_bfd("{}, probe: {return-address: 'fd00:ab::1'}"); },
         {"f:5:69: adjacencies[0].probe: and `bfd` exclude each other"}},
    };
}

INSTANTIATE_TEST_SUITE_P(Bfd, BadBfd, testing::ValuesIn(bad_bfd()), name_of);

}  // namespace
}  // namespace sidestep
