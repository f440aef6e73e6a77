// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The fate of numbered packets. Pure: computes losses and loss windows from sent and received packets.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace sidestep::topo {

/// A packet at its receiver. Times are CLOCK_MONOTONIC in nanoseconds.
struct Arrival {
    std::uint64_t number = 0;
    std::int64_t received_ns = 0;
};

/// A run of consecutive numbers that never arrived.
struct LossWindow {
    std::uint64_t first = 0;             ///< number of the first lost packet
    std::uint64_t lost = 0;              ///< packets
    std::int64_t start_ns = 0;           ///< when the first lost packet was sent
    std::optional<std::int64_t> end_ns;  ///< when the first later packet that arrived was sent; none: never recovered

    /// Length; nullopt if the flow never recovered.
    [[nodiscard]] std::optional<std::int64_t> length_ns() const {
        return end_ns ? std::optional(*end_ns - start_ns) : std::nullopt;
    }
};

struct FlowReport {
    std::uint64_t sent = 0;
    std::uint64_t received = 0;    ///< distinct numbers
    std::uint64_t duplicates = 0;  ///< arrivals of a number that had arrived before
    std::uint64_t reordered = 0;   ///< arrivals below a number that had arrived before (RFC 4737)
    std::vector<std::uint64_t> lost;
    std::vector<LossWindow> windows;
    std::int64_t longest_send_gap_ns = 0;  ///< between two sends: the resolution of the windows
    std::int64_t longest_delay_ns = 0;     ///< from send to receive
};

/// `sent_ns[n]` is when packet n was really sent; `arrivals` are in order of arrival. Unknown numbers are ignored.
FlowReport report_flow(std::span<const std::int64_t> sent_ns, std::span<const Arrival> arrivals);

/// The loss that began in [from_ns, to_ns), as one window from its first lost packet to the first arrival after its
/// last lost packet; nullopt if there was none. `lost` counts the lost packets only.
std::optional<LossWindow> loss_between(const FlowReport& report, std::int64_t from_ns, std::int64_t to_ns);

}  // namespace sidestep::topo
