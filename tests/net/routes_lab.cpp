// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Builds the lab for tests of routes.
#include "tests/net/routes_lab.hpp"

#include <span>

#include <gmock/gmock.h>
#include <unistd.h>

#include "detector/kernel/policy_device.hpp"

namespace sidestep::topo {

using namespace std::chrono_literals;
using testing::HasSubstr;

bool lacks_flavor(const Result<void>& added) {
    return !added && added.error().message.find("; it must support ") != std::string::npos;
}

void RoutesTest::SetUp() {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to make network namespaces";
    auto made = ScratchNs::make(3);
    ASSERT_TRUE(made) << made.error().message;
    ns_.emplace(std::move(*made));
    connect(0, "right", kRouter, "left", "fd00:1", 1);
    connect(kRouter, "right", 2, "left", "fd00:2", 3);
    ASSERT_EQ(shell("for f in ipv6/conf/all/forwarding ipv4/ip_forward; do echo 1 > /proc/sys/net/$f; done"), "");
    ASSERT_EQ(shell("ip -6 route add default via fd00:1::2", 0), "");
    ASSERT_EQ(shell("ip -6 route add default via fd00:2::1", 2), "");
    auto device = in_router([] { return PolicyDevice::create("sr0", "R"); });
    ASSERT_TRUE(device) << device.error().message;
    device_ = device->ifindex();
    auto routes = in_router([] { return InstalledRoutes::open(); });
    ASSERT_TRUE(routes) << routes.error().message;
    routes_.emplace(std::move(*routes));
    ASSERT_TRUE(wait_for(5s, [&] { return tables().find("linkdown") == std::string::npos; })) << tables();
    before_ = tables();
}

void RoutesTest::connect(std::size_t a, const std::string& name_a, std::size_t b, const std::string& name_b,
                         const std::string& net, int index) {
    ASSERT_EQ(shell(fmt::format("ip link add name {} index {} type veth peer name {} index {} netns {}", name_a,
                                1000 + index, name_b, 1001 + index, (*ns_)[b].name()),
                    a),
              "");
    const auto set_up = [&](std::size_t node, const std::string& name, int number) {
        return shell(fmt::format("ip addr add {0}::{1}/64 dev {2} nodad && ip addr add fe80::{1}/64 dev {2} nodad && "
                                 "ip link set {2} up",
                                 net, number, name),
                     node);
    };
    ASSERT_EQ(set_up(a, name_a, 1), "");
    ASSERT_EQ(set_up(b, name_b, 2), "");
}

void RoutesTest::comes_and_goes(const RouteSpec& spec, const std::vector<std::string>& words) {
    const auto added = routes().add(spec);
    if (lacks_flavor(added)) {
        EXPECT_EQ(tables(), before());
        return;
    }
    ASSERT_TRUE(added) << added.error().message;
    const auto seen = route(key_of(spec).prefix.to_string());
    for (const auto& word : words) EXPECT_THAT(seen, HasSubstr(word));
    EXPECT_THAT(seen, HasSubstr("proto kernel"));
    const auto missing = routes().missing(std::span(&spec, 1));
    ASSERT_TRUE(missing) << missing.error().message;
    EXPECT_TRUE(missing->empty());
    EXPECT_TRUE(routes().add(spec)) << "it is already there";

    EXPECT_TRUE(routes().remove(spec));
    EXPECT_EQ(tables(), before());
    EXPECT_TRUE(routes().remove(spec)) << "it is already gone";
    EXPECT_EQ(routes().missing(std::span(&spec, 1))->size(), 1U);
}

void RoutesTest::is_refused(const RouteSpec& spec, const std::vector<std::string>& words) {
    const auto refused = routes().add(spec);
    ASSERT_FALSE(refused) << describe(spec) << '\n' << tables();
    for (const auto& word : words) EXPECT_THAT(refused.error().message, HasSubstr(word));
    EXPECT_EQ(tables(), before());
}

}  // namespace sidestep::topo
