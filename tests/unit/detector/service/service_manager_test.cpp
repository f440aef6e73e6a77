// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests what systemd is told, with a socket of our own in its place.
#include "detector/service/service_manager.hpp"

#include <cstdlib>
#include <map>
#include <string>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/unit/detector/service/fake_socket.hpp"

namespace sidestep {
namespace {

using namespace std::chrono_literals;
using testing::Eq;
using testing::Optional;

constexpr std::nullopt_t kNothing = std::nullopt;

std::string fine() {
    return "fine";
}

TEST(ServiceManager, SaysNothingWithoutASocket) {
    ServiceManager manager({});
    manager.ready();
    manager.tick(1s, [] {
        ADD_FAILURE() << "the text is for nobody";
        return "";
    });
}

TEST(ServiceManager, SaysReadyReloadingAndStopping) {
    const FakeSocket systemd;
    ServiceManager manager({.socket = systemd.path()});
    EXPECT_EQ(systemd.receive(), kNothing);
    manager.ready();
    EXPECT_THAT(systemd.receive(), Optional(Eq("READY=1")));
    manager.reloading(12'345'678ns);
    EXPECT_THAT(systemd.receive(), Optional(Eq("RELOADING=1\nMONOTONIC_USEC=12345")));
    manager.stopping("handing over");
    EXPECT_THAT(systemd.receive(), Optional(Eq("STOPPING=1\nSTATUS=handing over")));
}

TEST(ServiceManager, StatusIsSentWhenItChangesAndAtMostOnceASecond) {
    const FakeSocket systemd;
    ServiceManager manager({.socket = systemd.path()});
    manager.tick(10s, fine);
    EXPECT_THAT(systemd.receive(), Optional(Eq("STATUS=fine")));
    manager.tick(11s, fine);
    manager.tick(11s + 100ms, [] { return "too early"; });
    EXPECT_EQ(systemd.receive(), kNothing);
    manager.tick(12s, [] { return "poor"; });
    EXPECT_THAT(systemd.receive(), Optional(Eq("STATUS=poor")));
}

TEST(ServiceManager, FeedsTheWatchdogFourTimesWithinItsPatience) {
    const FakeSocket systemd;
    ServiceManager manager({.socket = systemd.path(), .watchdog = 4s});
    manager.tick(10s, fine);
    EXPECT_THAT(systemd.receive(), Optional(Eq("WATCHDOG=1")));
    EXPECT_THAT(systemd.receive(), Optional(Eq("STATUS=fine")));
    manager.tick(10s + 900ms, fine);
    EXPECT_EQ(systemd.receive(), kNothing);
    manager.tick(11s, fine);
    EXPECT_THAT(systemd.receive(), Optional(Eq("WATCHDOG=1")));
}

TEST(ServiceManager, WhatIsNotTakenIsSentAgainInOrder) {
    FakeSocket systemd;
    ServiceManager manager({.socket = systemd.path(), .watchdog = 400ms});
    systemd.close();  // as while systemd executes itself anew
    manager.ready();
    manager.reloading(1us);
    manager.tick(10s, fine);
    systemd.listen();
    manager.tick(10s + 100ms, fine);
    EXPECT_THAT(systemd.receive(), Optional(Eq("READY=1")));
    EXPECT_THAT(systemd.receive(), Optional(Eq("RELOADING=1\nMONOTONIC_USEC=1")));
    EXPECT_THAT(systemd.receive(), Optional(Eq("STATUS=fine")));
    EXPECT_THAT(systemd.receive(), Optional(Eq("WATCHDOG=1")));  // of now, not of then
    EXPECT_EQ(systemd.receive(), kNothing);
}

TEST(ServiceManager, ReadsTheEnvironment) {
    const auto read = [](const char* pid, const char* time) {
        ::setenv("NOTIFY_SOCKET", "/run/systemd/notify", 1);
        ::setenv("WATCHDOG_PID", pid, 1);
        ::setenv("WATCHDOG_USEC", time, 1);
        auto result = ServiceManager::environment();
        for (const auto* name : {"NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC"}) ::unsetenv(name);
        return result;
    };
    const auto own = std::to_string(::getpid());
    EXPECT_EQ(read(own.c_str(), "30000000").socket, "/run/systemd/notify");
    EXPECT_EQ(read(own.c_str(), "30000000").watchdog, 30s);
    EXPECT_EQ(read("", "30000000").watchdog, 30s);
    EXPECT_EQ(read("1", "30000000").watchdog, 0s);  // meant for another process
    EXPECT_EQ(read(own.c_str(), "soon").watchdog, 0s);
    EXPECT_EQ(read(own.c_str(), "-5").watchdog, 0s);
    EXPECT_EQ(ServiceManager::environment().socket, "");
}

TEST(ServiceManager, AnAddressThatIsNoUnixSocketIsIgnored) {
    const auto too_long = "/" + std::string(200, 'x');
    for (const auto& address : std::vector<std::string>{"vsock:2:1", "@", "relative", too_long}) {
        ServiceManager manager({.socket = address});
        manager.ready();
        EXPECT_FALSE(DatagramSender::to(address)) << address;
    }
}

TEST(ServiceManager, KeepsADescriptorForTheNextProcess) {
    FakeSocket systemd;
    ServiceManager manager({.socket = systemd.path()});
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const Fd out(ends[0]);
    const Fd in(ends[1]);
    ASSERT_TRUE(manager.keep(in.get(), "bfdd"));
    EXPECT_THAT(systemd.receive(), Optional(Eq("FDSTOREREMOVE=1\nFDNAME=bfdd"))) << "what was kept before";
    const auto kept = systemd.receive_descriptor("FDSTORE=1\nFDNAME=bfdd");
    ASSERT_TRUE(kept);
    ASSERT_EQ(::write(kept.get(), "x", 1), 1);
    char byte = 0;
    EXPECT_EQ(::read(out.get(), &byte, 1), 1) << "it is the same pipe";
    manager.forget("bfdd");
    EXPECT_THAT(systemd.receive(), Optional(Eq("FDSTOREREMOVE=1\nFDNAME=bfdd")));
    systemd.close();
    ASSERT_TRUE(manager.keep(in.get(), "bfdd"));
    systemd.listen();
    manager.tick(10s, fine);
    (void)systemd.receive();
    EXPECT_TRUE(systemd.receive_descriptor("FDSTORE=1\nFDNAME=bfdd")) << "sent again";
    EXPECT_FALSE(ServiceManager({}).keep(in.get(), "bfdd")) << "nobody is there to keep it";
}

TEST(ServiceManager, GivesBackWhatWasKeptOnce) {
    ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
    ::setenv("LISTEN_FDS", "2", 1);
    ::setenv("LISTEN_FDNAMES", "other:bfdd", 1);
    const auto environment = ServiceManager::environment();
    EXPECT_EQ(environment.kept, (std::map<std::string, int>{{"other", 3}, {"bfdd", 4}}));
    ::setenv("LISTEN_PID", "1", 1);
    EXPECT_TRUE(ServiceManager::environment().kept.empty()) << "they are another process's";
    for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) ::unsetenv(name);
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const Fd out(ends[0]);
    ServiceManager manager({.kept = {{"bfdd", ends[1]}}});
    EXPECT_FALSE(manager.take("other"));
    EXPECT_EQ(manager.take("bfdd").get(), ends[1]);
    EXPECT_FALSE(manager.take("bfdd"));
}

}  // namespace
}  // namespace sidestep
