// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Fields that belong to the log lines of the present moment, such as SESSION=A-B. A sink that can keep fields takes them
// from here; to all others they are invisible.
#pragma once

#include <string_view>
#include <utility>
#include <vector>

namespace sidestep {

/// In force, in its thread, until it is destroyed. It copies no text: what it names must outlive it.
class LogFields {
  public:
    using Field = std::pair<std::string_view, std::string_view>;  ///< name in capitals, and value

    explicit LogFields(std::vector<Field> fields) : fields_(std::move(fields)), outer_(std::exchange(present_, this)) {}
    ~LogFields() { present_ = outer_; }
    LogFields(const LogFields&) = delete;
    LogFields& operator=(const LogFields&) = delete;

    /// Calls visit(name, value) for each field in force, the innermost ones first.
    template <typename Visit>
    static void for_each(Visit visit) {
        for (const auto* at = present_; at != nullptr; at = at->outer_) {
            for (const auto& [name, value] : at->fields_) visit(name, value);
        }
    }

  private:
    std::vector<Field> fields_;
    const LogFields* outer_;
    inline static thread_local const LogFields* present_ = nullptr;
};

}  // namespace sidestep
