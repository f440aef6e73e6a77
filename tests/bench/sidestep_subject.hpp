// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Sidestep as the subject: a sidestepd on A; B runs nothing, it only forwards.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/bench/subject.hpp"
#include "topo/daemon.hpp"

namespace sidestep::bench {

class SidestepSubject final : public Subject {
  public:
    SidestepSubject() : Subject("sidestep") {}

    /// Protects S -> D over A-B by the detour over C, multiplier 3, and waits until all is up.
    void start(const std::string& interval);
    /// `sessions` adjacencies of A-B, 10 ms x 3.
    void start_many(int sessions);
    /// Starts it again as it was; what runs in the kernel is adopted.
    void start_again();
    void stop();
    void kill();
    void signal(int number) { daemon().process().signal(number); }
    [[nodiscard]] pid_t pid() { return daemon().process().pid(); }

    bool wait_up(std::chrono::milliseconds patience) override;
    std::vector<std::int64_t> downs() override;

    nlohmann::json ask(const std::string& command);
    /// Of all sessions together, for example "sent".
    std::uint64_t sum(std::string_view field);

  private:
    topo::Daemon& daemon();

    std::string config_;
    std::unique_ptr<topo::Daemon> daemon_;
};

}  // namespace sidestep::bench
