// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests that there is no false alarm: a machine without spare processor time is not a dead link.
#include <thread>

#include <gtest/gtest.h>

#include "tests/net/protected_lab.hpp"
#include "topo/hogs.hpp"

namespace sidestep::topo {
namespace {

constexpr auto kLoad = 3s;  // at most

class UnderLoad : public ProtectedLab {
  protected:
    void expect_no_alarm() {
        for (const auto* node : {"A", "B"}) {
            const auto status = ask(node, "status");
            for (const auto& session : ask(node, "sessions").value("sessions", json::array())) {
                EXPECT_EQ(session.value("downs", -1), 0) << session.dump() << status.dump();
                EXPECT_EQ(session.value("state", ""), "up");
            }
            EXPECT_EQ(ask(node, "events").value("events", json()).size(), 2U);  // both sessions came up
        }
    }
};

TEST_F(UnderLoad, HogsOnEveryCoreRaiseNoAlarm) {
    ASSERT_TRUE(start_both());
    Hogs hogs;
    for (int i = 0; i < 4; ++i) ASSERT_TRUE(hogs.add(kLoad));
    hogs.wait();
    expect_no_alarm();
}

TEST_F(UnderLoad, RealTimeHogsOnEveryCoreRaiseNoAlarm) {
    ASSERT_TRUE(start_both());
    const auto answered = session("A").value("answered", std::uint64_t{0});
    Hogs hogs;
    const int cores = static_cast<int>(std::thread::hardware_concurrency());
    for (int core = 0; core < cores; ++core) {
        const auto added = hogs.add(kLoad, core);
        if (!added) GTEST_SKIP() << added.error().message << " (a cgroup without cpu.rt_runtime_us)";
    }
    hogs.wait();
    expect_no_alarm();
    EXPECT_GT(session("A").value("answered", std::uint64_t{0}), answered);
}

}  // namespace
}  // namespace sidestep::topo
