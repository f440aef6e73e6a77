// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A client's session is read by the rules of the configuration, and what is wrong with it is named.
#include "detector/config/client_session.hpp"

#include <chrono>

#include "tests/unit/detector/config/config_text.hpp"

namespace sidestep {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

const Config& node() {
    static const Config config = read_good(Parts{}.text());
    return config;
}

std::string why_not(const std::string& request) {
    const auto read = read_client_session(request, node());
    return read ? "" : read.error().message;
}

TEST(ClientSession, IsAnAdjacencyWithTheNodesDefaults) {
    const auto read = read_client_session(
        R"({"adjacency": {"name": "bfd-1", "interface": "to-E", "neighbor": "fe80::e", "probe": {"return-address": "fd00:ae::1"}}})",
        node());
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->name, "client/bfd-1");
    EXPECT_EQ(read->interface, "to-E");
    EXPECT_EQ(read->returns_on, "to-E");
    EXPECT_EQ(read->neighbor, address("fe80::e"));
    EXPECT_EQ(read->source, address("fd00:a::1"));
    EXPECT_EQ(read->probe.interval, 2ms);
}

TEST(ClientSession, IsAPathOverAnAdjacencyOfTheConfiguration) {
    const auto read = read_client_session(
        R"({"path": {"name": "to-F", "adjacency": "A-C", "segments": ["fd00:c::1", "fd00:f::6"], "probe": {"interval": "10ms", "return-address": "fd00:ac::1"}}})",
        node());
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->interface, "to-C");
    EXPECT_THAT(read->encaps, ElementsAre(address("fd00:c::1"), address("fd00:f::6")));
    EXPECT_EQ(read->probe.interval, 10ms);
}

TEST(ClientSession, IsPassive) {
    const auto read =
        read_client_session(R"({"passive": {"name": "p", "interface": "to-B", "source": "fd00:b::1"}})", node());
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->passive_source, address("fd00:b::1"));
}

TEST(ClientSession, MaySpeakBfdWithWhatIsKnownByIpv4Alone) {
    const auto read = read_client_session(
        R"({"adjacency": {"name": "192.0.2.2@to-E", "interface": "to-E", "neighbor": "192.0.2.2",
            "bfd": {"interval": "10ms", "receive-interval": "20ms", "multiplier": 5, "passive": true,
                    "local-address": "192.0.2.1", "discriminator": 4294967295}}})",
        node());
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->neighbor, address("192.0.2.2"));
    EXPECT_EQ(read->bfd, (BfdSettings{.receive_interval = 20ms,
                                      .local_address = address("192.0.2.1"),
                                      .passive = true,
                                      .discriminator = 4294967295}));
    EXPECT_THAT(why_not(R"({"adjacency": {"name": "n", "interface": "to-B", "neighbor": "192.0.2.2",
                            "probe": {"return-address": "fd00:ac::1"}}})"),
                HasSubstr("must be an IPv4 address"));
}

TEST(ClientSession, WhatIsWrongIsNamed) {
    EXPECT_EQ(why_not("{}"), "needs one of adjacency, path and passive");
    EXPECT_THAT(why_not(R"({"adjacency": 7})"), HasSubstr("adjacency: must be a map"));
    const auto several = why_not(R"({"adjacency": {"name": "a b", "interface": "to-B", "neighbor": "x",
                                     "probe": {"interval": "1us"}}})");
    EXPECT_THAT(several, HasSubstr("adjacency.name: must be 1 to"));
    EXPECT_THAT(several, HasSubstr("adjacency.neighbor: must be"));
    EXPECT_THAT(several, HasSubstr("adjacency.probe.interval: must be from"));
    EXPECT_THAT(several, HasSubstr("adjacency.probe.return-address"));
    EXPECT_THAT(why_not(R"({"path": {"name": "p", "adjacency": "A-Z", "segments": ["fd00::1"],
                            "probe": {"return-address": "fd00:ac::1"}}})"),
                HasSubstr("path.adjacency: no adjacency 'A-Z'"));
    EXPECT_THAT(why_not(R"({"adjacency": {"name": "n", "interface": "to-B", "neighbor": "fe80::b", "bypass": [],
                            "probe": {"return-address": "fd00:ac::1"}}})"),
                HasSubstr("adjacency.bypass: is for adjacencies of the configuration"));
    EXPECT_THAT(
        why_not(R"({"adjacency": {"name": ")" + std::string(60, 'n') +
                R"(", "interface": "to-B", "neighbor": "fe80::b", "probe": {"return-address": "fd00:ac::1"}}})"),
        HasSubstr("name: is too long"));
}

TEST(ClientSession, NamesOfTheConfigurationAreOthers) {
    Parts parts;
    parts.first.replace(parts.first.find("A-B"), 3, "client/x");
    EXPECT_THAT(complaints_about(parts.text()),
                testing::Contains(HasSubstr("adjacencies[0].name: must not begin with client/")));
}

}  // namespace
}  // namespace sidestep
