// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reads a configuration in a thread of its own: a file of 100,000 prefixes takes longer than a session's timer may
// wait.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include <boost/asio/io_context.hpp>

#include "common/yaml.hpp"
#include "detector/core/config.hpp"

namespace sidestep {

class ConfigLoader {
  public:
    /// Without a value, the complaints say why.
    using Done = std::function<void(std::optional<Config> config, const Complaints& complaints)>;

    explicit ConfigLoader(boost::asio::io_context& context) : context_(context) {}
    ConfigLoader(const ConfigLoader&) = delete;
    ConfigLoader& operator=(const ConfigLoader&) = delete;
    ~ConfigLoader() { *alive_ = false; }

    [[nodiscard]] bool busy() const { return busy_; }
    /// Reads the file at `path`. The loop calls `done`, unless this object is gone by then. Must not be called while
    /// busy.
    void load(std::string path, Done done);

  private:
    boost::asio::io_context& context_;
    bool busy_ = false;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  ///< used by the loop only
    std::jthread thread_;
};

}  // namespace sidestep
