// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Derives sessions from lists: the same list has the same session in any set, so that it goes on through reloads.
#include "detector/core/verification.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "detector/core/headers.hpp"

namespace sidestep {
namespace {

using Way = std::pair<std::string, std::vector<Address>>;  // adjacency, segments

/// FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv.
class Digest {
  public:
    void add(std::uint8_t byte) { value_ = (value_ ^ byte) * kPrime; }
    [[nodiscard]] std::uint32_t value() const { return value_; }

  private:
    static constexpr std::uint32_t kPrime = 16777619U;
    std::uint32_t value_ = 2166136261U;
};

/// What H.Insert leads to does not decapsulate, and what ends at a SID of H.Encaps does.
bool can_be_verified(const SegmentListConfig& list) {
    return list.verify && !list.segments.empty() && list.sessions.empty() && list.encap != Encap::h_insert &&
           probe_fits({.encaps = list.segments, .back = {}});
}

class Verifications {
  public:
    Verifications(const Config& config, std::size_t most) : config_(config), most_(most) {}

    void add(DesiredPolicy& policy) {
        if (policy.config.flow != 0) return;
        const std::size_t first = policy.bypass_of.empty() ? 1 : 0;
        auto& candidates = policy.config.candidates;
        for (std::size_t i = first; i < candidates.size(); ++i) {
            for (auto& list : candidates[i].lists) {
                if (can_be_verified(list)) list.verified_by = session_for({list.adjacency, list.segments});
            }
        }
    }

    std::vector<SessionConfig> take() { return std::move(sessions_); }

  private:
    /// Empty if there is none.
    std::string session_for(const Way& way) {
        const auto known = names_.find(way);
        if (known != names_.end()) return known->second;
        const auto out = std::ranges::find(config_.adjacencies, way.first, &AdjacencyConfig::name);
        if (out == config_.adjacencies.end() || sessions_.size() >= most_) return {};
        auto name = verification_name(way.first, way.second);
        if (std::ranges::find(sessions_, name, &SessionConfig::name) != sessions_.end()) name.clear();
        if (!name.empty()) sessions_.push_back(session(name, *out, way.second));
        return names_.emplace(way, std::move(name)).first->second;
    }

    [[nodiscard]] SessionConfig session(const std::string& name, const AdjacencyConfig& out,
                                        const std::vector<Address>& segments) const {
        ProbeSettings probe;
        probe.interval = kVerifyEvery;
        probe.start = Start::trusted;
        probe.wait_to_restore = std::chrono::seconds(1);
        probe.return_address = config_.source;
        return {.name = name,
                .interface = out.interface,
                .returns_on = {},
                .neighbor = out.neighbor,
                .source = config_.source,
                .passive_source = std::nullopt,
                .encaps = segments,
                .probe = probe,
                .mode = out.mode,
                .bfd = std::nullopt,
                .verifies = true};
    }

    const Config& config_;
    std::size_t most_;
    std::map<Way, std::string> names_;
    std::vector<SessionConfig> sessions_;
};

/// How many more sessions there may be. Their interval needs a class of its own, unless others have it too.
std::size_t room_beside(const std::vector<SessionConfig>& sessions) {
    const auto intervals = intervals_of(sessions);
    if (intervals.size() >= SS_MAX_CLASSES && !intervals.contains(kVerifyEvery)) return 0;
    return std::min(kMostVerified, SS_MAX_SESSIONS - std::min<std::size_t>(sessions.size(), SS_MAX_SESSIONS));
}

}  // namespace

std::vector<SessionConfig> verify_backups(std::vector<DesiredPolicy>& policies, const Config& config,
                                          const std::vector<SessionConfig>& sessions) {
    if (!config.verify) return {};
    Verifications verifications(config, room_beside(sessions));
    for (auto& policy : policies) verifications.add(policy);
    return verifications.take();
}

/// The digest comes first, since saved names are cut off behind SS_NAME_MAX.
std::string verification_name(const std::string& adjacency, const std::vector<Address>& segments) {
    Digest digest;
    for (const char c : adjacency) digest.add(static_cast<std::uint8_t>(c));
    for (const auto& segment : segments) std::ranges::for_each(segment.bytes, [&](auto byte) { digest.add(byte); });
    return fmt::format("verify {:08x} {}", digest.value(), adjacency);
}

}  // namespace sidestep
