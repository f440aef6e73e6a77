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

std::string path(const std::string& rest) {
    return "paths: [{name: P, adjacency: A-C, " + rest + "}]";
}

TEST(ConfigBfd, APathSpeaksItWithSomebodyBehindRouters) {
    using namespace std::chrono_literals;
    Parts parts;
    parts.more = path(R"(bfd: {peer: "fd00:d::1"})");
    const auto plain = read_good(parts.text()).paths.at(0);
    EXPECT_EQ(plain.bfd, (BfdSettings{.kind = BfdKind::multihop,
                                      .receive_interval = 2ms,
                                      .peer = address("fd00:d::1"),
                                      .local_address = address("fd00:a::1"),
                                      .minimum_ttl = 1}));
    EXPECT_TRUE(plain.segments.empty());
    parts.more = path(R"(segments: ["fd00:c::"], returns-on: to-B, bfd: {peer: 203.0.113.1, local-address: 192.0.2.1, )"
                      R"(minimum-ttl: 250, interval: 20ms, receive-interval: 10ms, multiplier: 5, passive: true})");
    const auto full = read_good(parts.text()).paths.at(0);
    EXPECT_EQ(full.bfd, (BfdSettings{.kind = BfdKind::multihop,
                                     .receive_interval = 10ms,
                                     .peer = address("203.0.113.1"),
                                     .local_address = address("192.0.2.1"),
                                     .passive = true,
                                     .minimum_ttl = 250}));
    EXPECT_EQ(full.segments.size(), 1U);
    EXPECT_EQ(full.returns_on, "to-B");
    EXPECT_EQ(full.probe.interval, 20ms);
}

TEST(ConfigBfd, APathAsksAReflector) {
    using namespace std::chrono_literals;
    Parts parts;
    parts.more = path(R"(segments: ["fd00:c::"], sbfd: {reflector: "fd00:b::1", discriminator: 192.0.2.1, )"
                      R"(interval: 20ms, multiplier: 5})");
    const auto asking = read_good(parts.text()).paths.at(0);
    EXPECT_EQ(asking.bfd, (BfdSettings{.kind = BfdKind::seamless,
                                       .receive_interval = 20ms,
                                       .peer = address("fd00:b::1"),
                                       .local_address = address("fd00:a::1"),
                                       .reflector = 0xc0000201,
                                       .minimum_ttl = 1}));
    EXPECT_EQ(asking.probe.interval, 20ms);
    EXPECT_EQ(asking.probe.multiplier, 5U);
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
        {"MinimumTtlOnALink",
         [](Parts& p) { p.first = with_bfd("{minimum-ttl: 1}"); },
         {"f:5:59: adjacencies[0].bfd.minimum-ttl: unknown key; known: interval, receive-interval, multiplier, start, "
          "wait-to-restore, traffic-class, damping, peer, local-address, passive, discriminator, authentication"}},
        {"NobodyFarAway", [](Parts& p) { p.more = path("bfd: {}"); }, {"f:10:40: paths[0].bfd.peer: missing"}},
        {"FarAwayOnALink",
         [](Parts& p) { p.more = path("bfd: {peer: 'fe80::1'}"); },
         {"f:10:47: paths[0].bfd.peer: must not be a link-local address: routers do not forward to it"}},
        {"OwnAddressFarAway",
         [](Parts& p) { p.more = path("bfd: {peer: 'fd00:a::1'}"); },
         {"f:10:47: paths[0].bfd.peer: is an address of this node"}},
        {"SamePair",
         [](Parts& p) {
             p.more =
                 "paths: [{name: P, adjacency: A-C, bfd: {peer: 'fd00:d::1'}}, {name: Q, adjacency: A-B, bfd: {peer: "
                 "'fd00:d::1'}}]";
         },
         {"f:10:93: paths[1].bfd: 'fd00:d::1 from fd00:a::1' is already given on line 10"}},
        {"NoOwnIpv4",
         [](Parts& p) { p.more = path("sbfd: {reflector: 192.0.2.1, discriminator: 1}"); },
         {"f:10:41: paths[0].sbfd: needs `local-address`, an IPv4 address of this node, or `source-address-ipv4` of "
          "`node`"}},
        {"NoReflector",
         [](Parts& p) { p.more = path("sbfd: {}"); },
         {"f:10:41: paths[0].sbfd.discriminator: missing", "f:10:41: paths[0].sbfd.reflector: missing"}},
        {"NoSuchTtl",
         [](Parts& p) { p.more = path("bfd: {peer: 'fd00:d::1', minimum-ttl: 256}"); },
         {"f:10:73: paths[0].bfd.minimum-ttl: must be a whole number from 1 to 255"}},
        {"AsksAndSpeaks",
         [](Parts& p) { p.more = path("bfd: {peer: 'fd00:d::1'}, sbfd: {reflector: 'fd00:d::1', discriminator: 1}"); },
         {"f:10:67: paths[0].sbfd: and `bfd` exclude each other"}},
        {"AsksAndProbes",
         [](Parts& p) {
             p.more = path("sbfd: {reflector: 'fd00:d::1', discriminator: 1}, probe: {return-address: 'fd00:ac::1'}");
         },
         {"f:10:92: paths[0].probe: and `sbfd` exclude each other"}},
        {"ProbesNoSegments",
         [](Parts& p) { p.more = path("probe: {return-address: 'fd00:ac::1'}"); },
         {"f:10:9: paths[0].segments: missing"}},
    };
}

INSTANTIATE_TEST_SUITE_P(Bfd, BadBfd, testing::ValuesIn(bad_bfd()), name_of);

}  // namespace
}  // namespace sidestep
