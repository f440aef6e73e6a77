// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A STAMP session sender (RFC 8762, 4.2) for `sidestep measure`: sends test packets to a reflector, or around a path to this
// node itself, and takes what comes back.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/measure_report.hpp"
#include "common/address.hpp"
#include "common/error.hpp"
#include "detector/core/headers.hpp"

namespace sidestep {

/// A way around which packets return to this node; no reflector is needed.
struct MeasuredPath {
    Address source;                       ///< of the outer header
    Address home;                         ///< address of this node that packets return to
    std::vector<Address> segments;        ///< in travel order; the last one decapsulates
    std::vector<Address> back;            ///< SIDs before the home
    std::optional<LinkAddresses> link{};  ///< that it leaves by; none: as the kernel routes the first segment
    int ifindex = 0;                      ///< of that link
};

struct MeasureSettings {
    std::string target;                  ///< as the user spelled it
    Address reflector{};                 ///< unless there is a path
    std::string interface {};            ///< of a link-local reflector
    std::optional<MeasuredPath> path{};  ///< none: to the reflector
    std::uint16_t port = 862;
    std::uint32_t count = 10;
    std::size_t size = 0;  ///< of the UDP payload; it is at least as long as a base packet
    Nanoseconds interval{std::chrono::milliseconds(100)};
    Nanoseconds patience{std::chrono::seconds(1)};  ///< for the last answers
    std::uint8_t traffic_class = 0;
};

/// Runs until all answers have come, the patience is over, or `stopped` says so. `progress` is called after each packet.
Result<Measurement> measure(const MeasureSettings& settings, const std::function<bool()>& stopped,
                            const std::function<void(const Measurement&)>& progress);

}  // namespace sidestep
