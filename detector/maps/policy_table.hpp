// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The policies of a node in the maps, from the file and from routing: slots, candidates, protected prefixes, bypasses,
// and the destinations that are exempt because they are this node itself. One set replaces another as a whole
// (docs/repair.md).
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "detector/core/desired.hpp"
#include "detector/core/prefix_sources.hpp"
#include "detector/maps/maps.hpp"
#include "detector/maps/path_store.hpp"
#include "detector/maps/prefix_table.hpp"
#include "detector/maps/session_table.hpp"

namespace sidestep {

/// A policy in force, with its indices in the maps.
struct Policy : DesiredPolicy {
    std::uint32_t slot = 0;
    std::uint32_t index = 0;                ///< shared with other policies that have the same candidates
    std::vector<std::uint32_t> candidates;  ///< the candidates' indices
};

/// Whether it is hitless, and its packets are more than counted.
inline bool sends_copies(const DesiredPolicy& policy) {
    return policy.config.flow != 0 && !policy.observed;
}

class PolicyTable {
  public:
    PolicyTable(Maps& maps, SessionTable& sessions);

    /// Sets the source addresses of encapsulated packets and of ICMP errors (ss_node).
    void set_sources(const Address& source, const std::optional<Address>& source_v4);
    /// Replaces all policies and bypasses in force by these. On failure nothing changes.
    Result<void> replace(const std::vector<DesiredPolicy>& policies, const std::set<Prefix>& unprotected);
    /// Writes the lists of this adjacency again after a change of its link.
    void refresh(const Session& session);

    /// What routers on the way say about sizes (PathStore).
    std::set<std::string> learn_mtu(std::span<const std::uint8_t> quoted, std::uint32_t mtu, Nanoseconds now) {
        return paths_.learn_mtu(quoted, mtu, now);
    }
    [[nodiscard]] std::set<ListName> lists_carrying(std::span<const std::uint8_t> quoted) const {
        return paths_.lists_carrying(quoted);
    }
    void forget_mtus(Nanoseconds now) { paths_.forget_mtus(now); }
    [[nodiscard]] std::uint64_t mtu_changes() const { return paths_.mtu_changes(); }
    [[nodiscard]] std::optional<std::uint32_t> room_of(const SegmentListConfig& list) const {
        return paths_.room_of(list);
    }

    /// Routes inside policies' prefixes, and where they lead (inner_routes.hpp).
    void set_inner(std::map<Prefix, std::uint32_t> slots);
    /// The prefixes in force, and the slots of their policies.
    [[nodiscard]] const PrefixSet& prefixes() const { return sources_.set(); }
    /// Prefixes that temporarily take the bypass in this slot, unless a policy has them; nullopt: no more. Those that do
    /// not fit follow the kernel's routes.
    void change_stale(const std::vector<std::pair<Prefix, std::optional<std::uint32_t>>>& changes);

    /// Whether the kernel has no route for some packets of policies: their candidates take them even when all is well.
    void note_unrouted(bool any);

    /// Exempts an address of this node from repair, unless a policy has exactly this address.
    void exempt(const Address& address, bool add);
    /// Leaves packets to these destinations to the kernel wherever its IPsec policies have not been applied yet.
    void guard(std::set<Prefix> destinations);
    /// How many of them did not fit.
    [[nodiscard]] std::size_t unguarded() const { return unguarded_; }

    [[nodiscard]] const std::vector<Policy>& all() const { return policies_; }
    /// Rank of a candidate path, and of one list.
    [[nodiscard]] std::uint32_t rank(const Policy& policy, std::size_t candidate) const;
    [[nodiscard]] std::uint32_t list_rank(const Policy& policy, std::size_t candidate, std::size_t list) const;
    /// Position of the candidate path that packets take now; -1 if all are down. Uses the data plane's own function
    /// (bpf/lib/pick.h).
    [[nodiscard]] int active(const Policy& policy) const;
    /// How many copies of a packet leave now, if the policy is hitless.
    [[nodiscard]] std::size_t copies(const Policy& policy) const;
    /// Whether its packets take another way than its first, or have none.
    [[nodiscard]] bool reroutes(const Policy& policy) const;
    /// Index of the entry in ss_stats. `candidate` may be policy.candidates.size(): packets that no candidate took.
    [[nodiscard]] std::uint32_t stats_index(const Policy& policy, std::size_t candidate) const;
    /// The slot of an adjacency's bypass; SS_POLICY_EXEMPT if it has none.
    [[nodiscard]] std::uint32_t bypass_slot(const std::string& adjacency) const;
    /// True if a bypass in force has this slot.
    [[nodiscard]] bool is_bypass(std::uint32_t slot) const { return bypasses_.contains(slot); }
    /// Encapsulation overhead of the longest list in force.
    [[nodiscard]] std::uint32_t longest_overhead() const { return paths_.longest_overhead(); }

  private:
    using Slots = std::map<std::string, std::uint32_t>;

    Result<void> commit(std::vector<Policy> wanted, std::set<Prefix> unprotected);
    Result<void> write(std::vector<Policy>& wanted, Slots& slots, PrefixSet& set, std::uint32_t bank);
    Result<void> assign(Policy& policy, Slots& slots);
    void begin_flow(std::uint32_t flow) const;
    [[nodiscard]] std::uint32_t bank() const { return maps_.node().bank & 1U; }
    [[nodiscard]] ss_target target_of(std::uint32_t slot, std::uint32_t bank) const;
    void write_slots(const std::vector<Policy>& policies, const Slots& slots, std::uint32_t bank);
    Result<void> build_prefixes(const PrefixSet& set, std::uint32_t bank);
    void put_in_force(std::uint32_t bank);
    void wait_for_packets() const;
    bool rebuild();
    void update(const std::vector<Prefix>& prefixes);
    void note_always(const std::vector<Policy>& policies);
    void write_always();

    Maps& maps_;
    PathStore paths_;
    IndexPool free_slots_;
    std::array<PrefixTable, 2> tables_;  ///< by bank
    std::uint32_t first_unused_slot_ = SS_POLICY_EXEMPT + 1;
    std::vector<Policy> policies_;
    Slots slots_;                       ///< by name of policy, or of adjacency for a bypass
    std::set<std::uint32_t> bypasses_;  ///< slots of bypasses
    PrefixSources sources_;
    std::size_t unguarded_ = 0;
    bool encapsulates_first_ = false;  ///< some transit policy does, for its first choice
    bool unrouted_ = false;
    std::optional<std::chrono::steady_clock::time_point> put_in_force_at_;
};

}  // namespace sidestep
