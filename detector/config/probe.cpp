// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reads how sessions probe: the node's defaults, and the settings of an adjacency, a path or a passive session.
#include <fmt/format.h>

#include "detector/config/reader.hpp"
#include "detector/core/detection.hpp"
#include "detector/core/names.hpp"

namespace sidestep::config_reader {
namespace {

constexpr Nanoseconds kAnyDuration = std::chrono::hours(24 * 3650);

void read_interval(const Reading& reading, const YamlPlace& place, ProbeSettings& probe) {
    const auto value = place.duration(Nanoseconds(0), kAnyDuration);
    if (!value) return;
    const auto& limits = reading.limits;
    const auto clock = reading.config.clock;
    const auto shortest = clock == ClockKind::process ? limits.shortest_process_interval  //
                                                      : limits.shortest_interval;
    if (*value < shortest || *value > limits.longest_interval) {
        place.complain(fmt::format("must be from {} to {} with clock: {}", format_duration(shortest),
                                   format_duration(limits.longest_interval), to_string(clock)));
        return;
    }
    probe.interval = *value;
}

/// `damping: true` takes the defaults, a map changes them, and false turns damping off.
void read_damping(const Reading& reading, const YamlPlace& place, ProbeSettings& probe) {
    if (place.is_scalar()) {
        probe.damping.reset();
        if (place.boolean().value_or(false)) probe.damping.emplace();
        return;
    }
    if (!place.expect_map({"half-life", "suppress", "reuse", "max-suppress"})) return;
    const auto longest_wait = reading.limits.longest_wait;
    DampingSettings damping;
    if (const auto half_life = place.optional("half-life")) {
        damping.half_life = half_life->duration(std::chrono::milliseconds(1), longest_wait).value_or(damping.half_life);
    }
    if (const auto suppress = place.optional("suppress")) {
        damping.suppress = suppress->number(1, 1e6, "(a flap adds 1000)").value_or(damping.suppress);
    }
    if (const auto reuse = place.optional("reuse")) {
        damping.reuse = reuse->number(1, 1e6, "(a flap adds 1000)").value_or(damping.reuse);
    }
    if (const auto longest = place.optional("max-suppress")) {
        damping.max_suppress =
            longest->duration(std::chrono::milliseconds(1), longest_wait).value_or(damping.max_suppress);
    }
    if (damping.reuse >= damping.suppress) {
        place.complain("reuse must be below suppress");
    } else if (highest_penalty(damping) <= damping.suppress) {
        place.complain(
            fmt::format("never suppresses: with this half-life and max-suppress the penalty stays below {:.0f}",
                        highest_penalty(damping)));
    }
    probe.damping = damping;
}

/// Reads when a session is down, and when it is trusted again.
void read_timing(const Reading& reading, const YamlPlace& place, ProbeSettings& probe) {
    const auto& limits = reading.limits;
    if (const auto interval = place.optional("interval")) read_interval(reading, *interval, probe);
    if (const auto multiplier = place.optional("multiplier")) {
        const auto value = multiplier->integer(1, limits.multiplier, "probes");
        if (value) probe.multiplier = static_cast<unsigned>(*value);
    }
    if (const auto up_count = place.optional("up-count")) {
        const auto value = up_count->integer(1, limits.up_count, "probes");
        if (value) probe.up_count = static_cast<unsigned>(*value);
    }
    if (const auto start = place.optional("start")) {
        const auto value = start->choice(kStartNames);
        if (value) probe.start = static_cast<Start>(*value);
    }
    if (const auto wait = place.optional("wait-to-restore")) {
        probe.wait_to_restore = wait->duration(Nanoseconds(0), limits.longest_wait).value_or(Nanoseconds(0));
    }
    if (const auto allowance = place.optional("allowance")) {
        const auto value = allowance->duration(limits.shortest_allowance, limits.longest_allowance);
        probe.allowance = value.value_or(Nanoseconds(0));
    }
}

void read_size(const Reading& reading, const YamlPlace& place, ProbeSettings& probe) {
    const auto smallest = reading.limits.smallest_probe;
    const auto value = place.integer(0, reading.limits.largest_probe, "bytes");
    if (!value) return;
    if (*value != 0 && *value < smallest) {
        place.complain(fmt::format("must be 0 (as small as possible) or at least {} bytes", smallest));
        return;
    }
    probe.size = static_cast<unsigned>(*value);
}

/// Reads the settings that both the defaults and a session may have; their keys have been checked.
void read_settings(const Reading& reading, const YamlPlace& place, ProbeSettings& probe) {
    read_timing(reading, place, probe);
    if (const auto turnaround = place.optional("turnaround")) {
        const auto value = turnaround->choice(kTurnaroundNames);
        if (value) probe.turnaround = static_cast<Turnaround>(*value);
    }
    if (const auto size = place.optional("size")) read_size(reading, *size, probe);
    if (const auto traffic_class = place.optional("traffic-class")) {
        const auto value = traffic_class->integer(0, 255);
        if (value) probe.traffic_class = static_cast<unsigned>(*value);
    }
    if (const auto limit = place.optional("loss-limit")) {
        probe.loss_limit = static_cast<unsigned>(limit->integer(0, SS_NO_LOSS_LIMIT - 1, "of 64 probes").value_or(0));
    }
    if (const auto limit = place.optional("rtt-limit")) {
        probe.rtt_limit = limit->duration(Nanoseconds(0), reading.limits.longest_allowance).value_or(Nanoseconds(0));
    }
    if (const auto damping = place.optional("damping")) read_damping(reading, *damping, probe);
}

}  // namespace

void read_probe_defaults(Reading& reading, const YamlPlace& place) {
    if (!place.expect_map({"interval", "multiplier", "up-count", "start", "wait-to-restore", "allowance", "turnaround",
                           "size", "traffic-class", "loss-limit", "rtt-limit", "damping"})) {
        return;
    }
    auto defaults = reading.defaults;
    read_settings(reading, place, defaults);
    reading.defaults = defaults;
}

namespace {

/// Probes by IPv4 have no SIDs: the node's default is for the others.
void read_v4_turnaround(const YamlPlace& place, ProbeSettings& probe) {
    const auto turnaround = place.optional("turnaround");
    if (turnaround && probe.turnaround != Turnaround::forward)
        turnaround->complain("must be forward: the neighbor is known by IPv4, and SIDs are IPv6");
    probe.turnaround = Turnaround::forward;
}

}  // namespace

ProbeSettings read_adjacency_probe(const Reading& reading, const YamlPlace& place, const Address& neighbor) {
    auto probe = reading.defaults;
    if (!place.expect_map({"interval", "multiplier", "up-count", "start", "wait-to-restore", "allowance", "turnaround",
                           "size", "traffic-class", "loss-limit", "rtt-limit", "damping", "return-address",
                           "segment"})) {
        return probe;
    }
    read_settings(reading, place, probe);
    probe.allowance = allowance_of(probe);
    if (neighbor.is_v4()) read_v4_turnaround(place, probe);
    if (const auto sink = place.required("return-address")) {
        const auto address = neighbor.is_v4() ? read_unicast_v4(*sink) : read_unicast(*sink);
        probe.return_address = address.value_or(Address{});
    }
    if (probe.turnaround != Turnaround::forward) {
        if (const auto segment = place.required("segment")) {
            if (const auto sid = read_unicast(*segment)) probe.back = {*sid};
        }
    } else if (const auto segment = place.optional("segment")) {
        segment->complain("is for turnaround end and end.x only; this probe uses forward");
    }
    return probe;
}

ProbeSettings read_bfd_timing(const Reading& reading, const YamlPlace& place,
                              std::initializer_list<std::string_view> keys) {
    auto probe = reading.defaults;
    probe.turnaround = Turnaround::forward;
    probe.size = 0;
    probe.loss_limit = 0;  // nothing comes back that could be counted
    probe.rtt_limit = Nanoseconds(0);
    if (place.expect_map(keys)) read_settings(reading, place, probe);
    if (probe.interval < reading.limits.shortest_bfd) {
        const auto interval = place.optional("interval");
        (interval ? *interval : place)
            .complain(fmt::format("BFD needs an interval of {} or more", format_duration(reading.limits.shortest_bfd)));
    }
    probe.allowance = allowance_of(probe);
    return probe;
}

ProbeSettings read_path_probe(const Reading& reading, const YamlPlace& place) {
    auto probe = reading.defaults;
    probe.turnaround = Turnaround::forward;
    if (!place.expect_map({"interval", "multiplier", "up-count", "start", "wait-to-restore", "allowance", "size",
                           "traffic-class", "loss-limit", "rtt-limit", "damping", "return-address", "return"})) {
        return probe;
    }
    read_settings(reading, place, probe);
    probe.allowance = allowance_of(probe);
    if (const auto sink = place.required("return-address"))
        probe.return_address = read_unicast(*sink).value_or(Address{});
    if (const auto back = place.optional("return")) probe.back = read_segments(reading, *back);
    return probe;
}

ProbeSettings read_passive_probe(const Reading& reading, const YamlPlace* place) {
    auto probe = reading.defaults;
    if (place != nullptr &&
        place->expect_map({"interval", "multiplier", "up-count", "start", "wait-to-restore", "allowance", "damping"})) {
        read_settings(reading, *place, probe);
    }
    probe.size = 0;        // it sends no probes
    probe.loss_limit = 0;  // its windows contain expectations, not probes
    probe.allowance = allowance_of(probe);
    return probe;
}

}  // namespace sidestep::config_reader
