// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Runs the operator's programs on events (`hooks` of the configuration): each gets an event as JSON on its standard input.
// No shell is involved. One process of a hook runs at a time, so that it sees events in their order; what is too slow is
// killed, and what piles up is dropped and counted. The loop never waits for any of it.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <nlohmann/json.hpp>

#include "detector/core/config.hpp"

namespace sidestep {

class HookRunner {
  public:
    /// Events that wait for a hook; more are dropped.
    static constexpr std::size_t kMostWaiting = 256;

    HookRunner(boost::asio::io_context& context, std::string node);
    HookRunner(const HookRunner&) = delete;
    HookRunner& operator=(const HookRunner&) = delete;
    /// Kills what runs.
    ~HookRunner();

    /// Other hooks from now on; an unchanged one keeps what waits for it.
    void set(const std::vector<HookConfig>& hooks);
    /// `event` as docs/api.md describes it.
    void on_event(const nlohmann::json& event);

  private:
    class Hook;

    boost::asio::io_context& context_;
    std::string node_;
    std::vector<std::shared_ptr<Hook>> hooks_;
};

}  // namespace sidestep
