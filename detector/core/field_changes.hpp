// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Lists the values of a configuration that differ, as "KEY: BEFORE -> AFTER".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "common/address.hpp"
#include "detector/core/config.hpp"

namespace sidestep {

/// A value as a line about changes spells it; "none" if there is none.
std::string text_of(const std::string& value);
std::string text_of(unsigned value);
std::string text_of(bool value);
std::string text_of(Nanoseconds value);
std::string text_of(const Address& value);
std::string text_of(const std::optional<Address>& value);
std::string text_of(const std::vector<Address>& values);
std::string text_of(const std::vector<Prefix>& values);
std::string text_of(const std::vector<unsigned>& values);
std::string text_of(Turnaround value);
std::string text_of(Start value);
std::string text_of(ClockKind value);
std::string text_of(Ipsec value);
std::string text_of(Netfilter value);
std::string text_of(Mode value);
std::string text_of(const std::optional<DampingSettings>& value);
std::string text_of(const std::optional<BfdSettings>& value);
std::string text_of(const std::optional<ReflectorConfig>& value);

/// Compares field after field, and keeps a text for each that differs.
class FieldChanges {
  public:
    template <typename T>
    FieldChanges& compare(std::string_view key, const T& before, const T& after) {
        if (!(before == after)) list_.push_back(fmt::format("{}: {} -> {}", key, text_of(before), text_of(after)));
        return *this;
    }
    std::vector<std::string> take() { return std::move(list_); }

  private:
    std::vector<std::string> list_;
};

}  // namespace sidestep
