// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "topo/flow.hpp"

#include <algorithm>

namespace sidestep::topo {

FlowReport report_flow(std::span<const std::int64_t> sent_ns, std::span<const Arrival> arrivals) {
    FlowReport report;
    report.sent = sent_ns.size();
    std::vector<bool> seen(sent_ns.size());
    std::optional<std::uint64_t> highest;
    for (const auto& arrival : arrivals) {
        if (arrival.number >= sent_ns.size()) continue;
        if (seen[arrival.number]) {
            ++report.duplicates;
            continue;
        }
        seen[arrival.number] = true;
        ++report.received;
        if (highest && arrival.number < *highest) ++report.reordered;
        highest = std::max(highest.value_or(0), arrival.number);
        report.longest_delay_ns = std::max(report.longest_delay_ns, arrival.received_ns - sent_ns[arrival.number]);
    }
    bool losing = false;
    for (std::uint64_t number = 0; number < sent_ns.size(); ++number) {
        if (number > 0) {
            report.longest_send_gap_ns = std::max(report.longest_send_gap_ns, sent_ns[number] - sent_ns[number - 1]);
        }
        if (seen[number]) {
            if (losing) report.windows.back().end_ns = sent_ns[number];
            losing = false;
            continue;
        }
        if (!losing) report.windows.push_back({.first = number, .lost = 0, .start_ns = sent_ns[number], .end_ns = {}});
        losing = true;
        ++report.windows.back().lost;
        report.lost.push_back(number);
    }
    return report;
}

std::optional<LossWindow> loss_between(const FlowReport& report, std::int64_t from_ns, std::int64_t to_ns) {
    std::optional<LossWindow> whole;
    for (const auto& window : report.windows) {
        if (window.start_ns < from_ns || window.start_ns >= to_ns) continue;
        if (!whole) {
            whole = window;
        } else {
            whole->lost += window.lost;
            whole->end_ns = window.end_ns;
        }
    }
    return whole;
}

}  // namespace sidestep::topo
