// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/maps/reflector_table.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

#include "bpf/lib/portable.h"
#include "detector/maps/length_list.hpp"

namespace sidestep {
namespace {

constexpr unsigned kBurstPart = 10;  // of a second's answers, which may come at once
constexpr unsigned kLeastBurst = 16;

ss_reflector encode(const ReflectorConfig& config) {
    ss_reflector result{};
    result.port = htons(config.port);
    result.flags =
        static_cast<std::uint16_t>((config.stateful ? SS_REFLECTOR_STATEFUL : 0) | (config.ptp ? SS_REFLECTOR_PTP : 0) |
                                   (config.admin_down ? SS_REFLECTOR_ADMIN_DOWN : 0));
    result.per_second = config.rate;
    result.burst = std::max(config.rate / kBurstPart, kLeastBurst);
    result.receive_us = static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(config.receive_interval).count());
    for (const auto& address : config.addresses)
        std::memcpy(result.address[result.addresses++], address.bytes.data(), sizeof result.address[0]);
    for (const auto& source : config.sources) {
        const auto at = result.sources++;
        result.source[at] = length_of(source.length);
        std::memcpy(result.source_address[at], source.address.bytes.data(), sizeof result.source_address[0]);
    }
    for (const auto number : config.discriminators) result.discriminator[result.discriminators++] = htonl(number);
    return result;
}

}  // namespace

void ReflectorTable::set(const std::optional<ReflectorConfig>& stamp, const std::optional<ReflectorConfig>& sbfd) {
    set(SS_REFLECTOR_STAMP, stamp);
    set(SS_REFLECTOR_SBFD, sbfd);
}

void ReflectorTable::set(ss_reflector_kind kind, const std::optional<ReflectorConfig>& wanted) {
    auto& present = maps_.reflectors().of[kind];
    auto& port = maps_.repair().reflects[kind];
    const auto settings = wanted ? encode(*wanted) : ss_reflector{};
    if (std::memcmp(&present, &settings, sizeof settings) == 0 && port == settings.port) return;
    if (present.port != 0) {  // else these are not in force yet, and a predecessor's programs go on by theirs
        SS_WRITE(port, 0);
        maps_.wait_for_rcu_grace_period();  // nobody reads the settings any more
    }
    present = settings;
    __sync_synchronize();
    SS_WRITE(port, settings.port);
}

}  // namespace sidestep
