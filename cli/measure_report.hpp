// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What a measurement adds up to: loss, round trips, delay variation, one-way delays. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/duration.hpp"

namespace sidestep {

/// One answer.
struct MeasuredAnswer {
    Nanoseconds round_trip{};  ///< without the time that the reflector kept the packet
    /// One way each, by both wall clocks; nullopt: one of them follows no external source, or there is no reflector.
    std::optional<Nanoseconds> there{};
    std::optional<Nanoseconds> back{};
    Nanoseconds clock_error{};  ///< by how much both together may be wrong
};

class Measurement {
  public:
    explicit Measurement(std::string target) : target_(std::move(target)) {}

    void note_sent() { ++sent_; }
    /// The packet could not be sent.
    void note_unsent(const std::string& why) { unsent_[why]++; }
    /// `number` is that of the packet, as it was sent; the second answer to it counts as a duplicate.
    void note(std::uint32_t number, const MeasuredAnswer& answer);

    [[nodiscard]] std::uint64_t sent() const { return sent_; }
    [[nodiscard]] std::uint64_t answered() const { return answers_.size(); }
    /// All that was sent is answered.
    [[nodiscard]] bool complete() const { return answers_.size() == sent_; }

    [[nodiscard]] std::string to_text() const;
    /// The same; times are in microseconds (docs/api.md).
    [[nodiscard]] nlohmann::json to_json() const;

  private:
    std::string target_;
    std::uint64_t sent_ = 0;
    std::uint64_t duplicates_ = 0;
    std::uint64_t reordered_ = 0;
    std::optional<std::uint32_t> newest_;
    std::map<std::string, std::uint64_t> unsent_;      ///< by reason
    std::map<std::uint32_t, MeasuredAnswer> answers_;  ///< by number
};

}  // namespace sidestep
