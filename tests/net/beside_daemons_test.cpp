// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests that routing daemons and the routes of Sidestep leave each other alone: the daemon's own routes stay selected, ours
// are neither learned nor redistributed, and whoever starts or stops, the other's routes stay.
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <unistd.h>

#include "detector/kernel/shadows.hpp"
#include "tests/net/routes_lab.hpp"

namespace sidestep::topo {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;

constexpr const char* kSteered = "2001:db8:d::/48";
constexpr const char* kSteeredV4 = "198.51.100.0/24";
constexpr const char* kSid = "fd00:a:0:e000::";
constexpr const char* kLocator = "fd00:a::/48";
constexpr const char* kControl = "2001:db8:c::/48";  // somebody's route: the daemon would learn ours as well

class BesideDaemons : public RoutesTest {
  protected:
    void SetUp() override {
        ASSERT_NO_FATAL_FAILURE(RoutesTest::SetUp());
        std::string pattern = "/tmp/sidestep-beside-XXXXXX";
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        directory_ = pattern;
    }
    void TearDown() override {
        for (const auto& file : pid_files_) stop(file);
        std::error_code ignored;
        if (!directory_.empty()) std::filesystem::remove_all(directory_, ignored);
    }
    [[nodiscard]] std::string at(const std::string& name) const { return (directory_ / name).string(); }
    void write(const std::string& name, const std::string& text, const char* owner = nullptr) const {
        std::ofstream(at(name)) << text;
        const auto* user = owner == nullptr ? nullptr : ::getpwnam(owner);
        if (user == nullptr) return;
        ASSERT_EQ(::chown(at(name).c_str(), user->pw_uid, user->pw_gid), 0);
        ASSERT_EQ(::chown(directory_.c_str(), user->pw_uid, user->pw_gid), 0);
    }
    void note_pid_file(const std::string& name) { pid_files_.push_back(at(name)); }
    /// Ends the process and waits until it is gone.
    static void stop(const std::string& pid_file) {
        pid_t pid = 0;
        std::ifstream(pid_file) >> pid;
        if (pid <= 1) return;
        ::kill(pid, SIGTERM);
        EXPECT_TRUE(wait_for(5s, [&] { return ::kill(pid, 0) != 0; }));
        std::filesystem::remove(pid_file);
    }
    bool comes(const std::function<bool()>& condition) { return wait_for(10s, condition); }

    static std::vector<RouteSpec> all(int device) {
        return {DeviceRoute{.prefix = prefix(kSteered), .ifindex = device, .metric = 5},
                DeviceRoute{.prefix = prefix(kSteeredV4), .ifindex = device, .metric = 5},
                SidRoute{.sid = prefix(kSid), .ifindex = device},
                SidRoute{.sid = prefix(kLocator), .next_csid = true, .ifindex = device}};
    }
    void install() {
        const auto added = routes().add(all(device()));
        ASSERT_TRUE(added) << added.error().message;
    }
    bool are_there() { return routes().missing(all(device()))->empty(); }
    bool lead_into_the_device() {
        return shell("ip -6 route get 2001:db8:d::1").find("dev sr0") != std::string::npos &&
               shell("ip route get 198.51.100.1").find("dev sr0") != std::string::npos;
    }

  private:
    std::filesystem::path directory_;
    std::vector<std::string> pid_files_;
};

class BesideFrr : public BesideDaemons {
  protected:
    void SetUp() override {
        if (!std::filesystem::exists("/usr/lib/frr/staticd") || ::getpwnam("frr") == nullptr)
            GTEST_SKIP() << "FRR is not installed";
        ASSERT_NO_FATAL_FAILURE(BesideDaemons::SetUp());
        write("conf",
              "hostname r\nipv6 route 2001:db8:d::/48 fd00:2::2\nip route 198.51.100.0/24 192.0.2.2\n"
              "ipv6 route 2001:db8:e::/48 fd00:2::2\n",
              "frr");
        ASSERT_EQ(shell("ip addr add 192.0.2.1/30 dev right; ip -6 addr add fd00:a:0:ffff::1/48 dev lo; "
                        "ip -6 route add 2001:db8:c::/48 dev sr0 proto static metric 5"),
                  "");
    }
    void start_daemon(const std::string& name, const std::string& conf = "conf") {
        note_pid_file(name);
        shell("/usr/lib/frr/" + name + " -d -f " + at(conf) + " -i " + at(name) + " -z " + at("api") +
              " --vty_socket " + at("") + " -P 0 2>/dev/null");
    }
    void start_frr() {
        for (const auto* daemon : {"zebra", "staticd"}) start_daemon(daemon);
        ASSERT_TRUE(comes([&] {
            return frr("show ipv6 route 2001:db8:e::/48").find("installed") != std::string::npos ||
                   frr("show ipv6 route").find("S>* 2001:db8:e::/48") != std::string::npos;
        })) << frr("show ipv6 route");
    }
    void stop_frr() {
        for (const auto* daemon : {"staticd", "zebra"}) stop(at(daemon));
    }
    std::string frr(const std::string& command, const std::string& daemon = "zebra") {
        return shell("vtysh --vty_socket " + at("") + " -d " + daemon + " -c '" + command + "' 2>/dev/null");
    }
    /// FRR keeps its own routes selected, and knows the control's and none of ours.
    void expect_undisturbed() {
        const auto v6 = frr("show ipv6 route");
        EXPECT_THAT(v6, HasSubstr("S>* 2001:db8:d::/48"));
        EXPECT_THAT(v6, HasSubstr("K>* 2001:db8:c::/48")) << "it learns routes of others";
        EXPECT_THAT(frr("show ipv6 route kernel"), AllOf(HasSubstr(kControl), Not(HasSubstr(kSteered)),
                                                         Not(HasSubstr(kSid)), Not(HasSubstr(kLocator))));
        EXPECT_THAT(frr("show ip route"), HasSubstr("S>* 198.51.100.0/24"));
        EXPECT_THAT(frr("show ip route kernel"), Not(HasSubstr(kSteeredV4)));
        EXPECT_THAT(shell("ip -6 route show 2001:db8:d::/48; ip route show 198.51.100.0/24"),
                    AllOf(HasSubstr("via fd00:2::2"), HasSubstr("via 192.0.2.2")))
            << "they stay in the kernel";
        EXPECT_TRUE(are_there());
        EXPECT_TRUE(lead_into_the_device());
    }
};

TEST_F(BesideFrr, NeitherDisturbsTheOther) {
    start_frr();
    install();
    expect_undisturbed();
    stop_frr();
    EXPECT_TRUE(are_there()) << "it does not sweep what is not its own";
    EXPECT_TRUE(lead_into_the_device());
    start_frr();  // it meets ours
    expect_undisturbed();
    ASSERT_TRUE(routes().remove_all());
    EXPECT_THAT(shell("ip -6 route show 2001:db8:d::/48; ip route show 198.51.100.0/24"),
                AllOf(HasSubstr("via fd00:2::2"), HasSubstr("via 192.0.2.2"), Not(HasSubstr("sr0"))));
    EXPECT_THAT(shell("ip -6 route get 2001:db8:d::1"), HasSubstr("via fd00:2::2"));
}

// BGP tells its peers of the kernel's routes, if it is asked to. Ours are of this node alone.
TEST_F(BesideFrr, RedistributeKernelTellsNobodyOfOurs) {
    write("bgp",
          "router bgp 65000\n bgp router-id 192.0.2.1\n address-family ipv4 unicast\n  redistribute kernel\n"
          " exit-address-family\n address-family ipv6 unicast\n  redistribute kernel\n exit-address-family\n",
          "frr");
    ASSERT_EQ(shell("ip route add 203.0.113.0/24 dev sr0 proto static metric 5"), "");
    start_frr();
    install();
    start_daemon("bgpd", "bgp");
    const auto told = [&] { return frr("show bgp ipv6 unicast", "bgpd") + frr("show bgp ipv4 unicast", "bgpd"); };
    const auto expect_none_of_ours = [&] {
        EXPECT_TRUE(comes([&] {
            const auto all = told();
            return all.find(kControl) != std::string::npos && all.find("203.0.113.0/24") != std::string::npos;
        })) << "it redistributes routes of others:\n"
            << told();
        EXPECT_THAT(told(), AllOf(Not(HasSubstr(kSteered)), Not(HasSubstr(kSteeredV4)), Not(HasSubstr(kSid)),
                                  Not(HasSubstr(kLocator))));
    };
    expect_none_of_ours();
    ASSERT_TRUE(routes().remove_all());  // and when they go and come
    install();
    ASSERT_EQ(shell("ip -6 route add 2001:db8:cc::/48 dev sr0 proto static metric 5"), "");
    EXPECT_TRUE(comes([&] { return told().find("2001:db8:cc::/48") != std::string::npos; })) << told();
    expect_none_of_ours();
}

// What would happen with a protocol number of our own: FRR takes the route for one of the kernel with distance 0.
TEST_F(BesideFrr, ForeignProtocolsEvictItsRoutes) {
    ASSERT_EQ(shell("ip -6 route add 2001:db8:d::/48 dev sr0 proto 86 metric 5"), "");
    start_frr();
    EXPECT_TRUE(comes([&] { return frr("show ipv6 route").find("K>* 2001:db8:d::/48") != std::string::npos; }));
    install();
    EXPECT_TRUE(comes([&] { return frr("show ipv6 route").find("S>* 2001:db8:d::/48") != std::string::npos; }))
        << "a route of a former version is replaced:\n"
        << frr("show ipv6 route") << tables();
}

// A node that forwards keeps packets to the first address of each subnet that it has an address of.
TEST_F(BesideFrr, ALocatorOnLoDoesNotTakeThePacketsOfItsSid) {
    start_frr();
    install();
    EXPECT_THAT(shell("ip -6 route show fd00:a::/48"), AllOf(HasSubstr("dev lo"), HasSubstr("seg6local")));
    EXPECT_THAT(shell("ip -6 route get fibmatch fd00:a:0:b::"), HasSubstr("seg6local"));
    auto rtnl = in_router([] { return Rtnl::open(); });
    ASSERT_TRUE(rtnl) << rtnl.error().message;
    const auto shadows = [&] {
        return *in_router([&] {  // where interfaces have their names
            std::string text;
            for (const auto& route : all(device())) text += find_shadow(*rtnl, route);
            return text;
        });
    };
    EXPECT_THAT(shadows(), AllOf(HasSubstr("packets to fd00:a:: take the route anycast fd00:a::/128"),
                                 HasSubstr("give that address the length 128")));
    ASSERT_EQ(shell("ip -6 addr del fd00:a:0:ffff::1/48 dev lo && ip -6 addr add fd00:a:0:ffff::1/128 dev lo"), "");
    EXPECT_EQ(shadows(), "");
    ASSERT_EQ(shell("ip -6 rule add to 2001:db8:d::/48 lookup 100; ip -6 route add default via fd00:2::2 table 100"),
              "");
    EXPECT_THAT(shadows(),
                AllOf(HasSubstr("::/0 via fd00:2::2 dev right"), HasSubstr("table 100"), HasSubstr("ip -6 rule")));
}

class BesideBird : public BesideDaemons {
  protected:
    void SetUp() override {
        if (!std::filesystem::exists("/usr/sbin/bird")) GTEST_SKIP() << "BIRD is not installed";
        ASSERT_NO_FATAL_FAILURE(BesideDaemons::SetUp());
        ASSERT_EQ(shell("ip addr add 192.0.2.1/30 dev right; "
                        "ip -6 route add 2001:db8:c::/48 dev sr0 proto static metric 5"),
                  "");
        write("conf",
              "router id 192.0.2.1;\nprotocol device { scan time 1; }\n"
              "protocol kernel six { learn; scan time 1; ipv6 { import all; export all; }; }\n"
              "protocol kernel four { learn; scan time 1; ipv4 { import all; export all; }; }\n"
              "protocol static { ipv6; route 2001:db8:d::/48 via fd00:2::2; route 2001:db8:e::/48 via fd00:2::2; }\n"
              "protocol static { ipv4; route 198.51.100.0/24 via 192.0.2.2; }\n");
    }
    void start_bird() {
        note_pid_file("bird");
        shell("bird -c " + at("conf") + " -s " + at("ctl") + " -P " + at("bird"));
        ASSERT_TRUE(comes([&] {
            return shell("ip -6 route show 2001:db8:e::/48").find("proto bird") != std::string::npos;
        })) << bird("show protocols all");
        ASSERT_TRUE(comes([&] { return bird("show route for 2001:db8:c::1").find("[six") != std::string::npos; }));
    }
    std::string bird(const std::string& command) { return shell("birdc -s " + at("ctl") + " '" + command + "'"); }
    void expect_undisturbed() {
        const auto known = bird("show route all");
        EXPECT_THAT(known, HasSubstr(kControl)) << "it learns routes of others";
        EXPECT_THAT(known, AllOf(Not(HasSubstr(kSid)), Not(HasSubstr(kLocator)), Not(HasSubstr("dev sr0 [six")),
                                 Not(HasSubstr("[four "))));
        EXPECT_THAT(bird("show route 2001:db8:d::/48"), AllOf(HasSubstr("[static"), Not(HasSubstr("[six"))));
        EXPECT_THAT(
            shell("ip -6 route show 2001:db8:d::/48; ip route show 198.51.100.0/24"),
            AllOf(HasSubstr("via fd00:2::2 dev right proto bird"), HasSubstr("via 192.0.2.2 dev right proto bird")));
        EXPECT_TRUE(are_there());
        EXPECT_TRUE(lead_into_the_device());
    }
};

TEST_F(BesideBird, NeitherDisturbsTheOther) {
    start_bird();
    install();
    ASSERT_THAT(bird("configure"), HasSubstr("econfigur"));  // it scans the tables again
    ASSERT_EQ(shell("ip -6 route add 2001:db8:cc::/48 dev sr0 proto static metric 5"), "");
    ASSERT_TRUE(comes([&] { return bird("show route for 2001:db8:cc::1").find("[six") != std::string::npos; }));
    expect_undisturbed();
    stop(at("bird"));
    EXPECT_TRUE(are_there());
    EXPECT_TRUE(lead_into_the_device());
    start_bird();
    expect_undisturbed();
    ASSERT_TRUE(routes().remove_all());
    EXPECT_THAT(shell("ip -6 route show 2001:db8:d::/48; ip route show 198.51.100.0/24"),
                AllOf(HasSubstr("via fd00:2::2"), HasSubstr("via 192.0.2.2"), Not(HasSubstr("sr0"))));
}

}  // namespace
}  // namespace sidestep::topo
