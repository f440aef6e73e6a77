// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reads a configuration beside the loop: a file of 100,000 prefixes takes longer than a session may wait for its timer.
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
    /// None: the complaints say why.
    using Done = std::function<void(std::optional<Config> config, const Complaints& complaints)>;

    explicit ConfigLoader(boost::asio::io_context& context) : context_(context) {}
    ConfigLoader(const ConfigLoader&) = delete;
    ConfigLoader& operator=(const ConfigLoader&) = delete;
    ~ConfigLoader() { *alive_ = false; }

    [[nodiscard]] bool busy() const { return busy_; }
    /// Reads the file at `path`; `done` is called by the loop, unless this object is gone by then. Must not be busy.
    void load(std::string path, Done done);

  private:
    boost::asio::io_context& context_;
    bool busy_ = false;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  ///< read and written by the loop only
    std::jthread thread_;
};

}  // namespace sidestep
