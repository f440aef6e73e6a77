// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The data plane's tables as the engine uses them: shared memory, and hash tables behind functions. The kernel's maps
// are one implementation (detector/kernel/dataplane.hpp), plain memory in a test is another.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <span>
#include <vector>

#include "bpf/abi/sidestep.h"
#include "common/address.hpp"
#include "common/error.hpp"

namespace sidestep {

/// Entries of ss_stats per slot: one for each candidate, and one for packets that no candidate took.
inline constexpr std::uint32_t kStatsPerSlot = SS_MAX_CANDIDATES + 1;

/// How many entries the maps of the policy half need.
struct PolicySizes {
    std::uint32_t slots = 1;    ///< including slot 0, the exempt one
    std::uint32_t counted = 1;  ///< slots with counters of their own
    std::uint32_t policies = 1;
    std::uint32_t candidates = 1;
    std::uint32_t lists = 1;
    std::uint32_t cells = 1;         ///< of one table; see PrefixTable
    std::uint32_t filter_words = 1;  ///< of one table
    std::uint32_t sids = 1;
    std::uint32_t adjacencies = 1;
    std::uint32_t xdp_interfaces = 0;  ///< interfaces that packets enter or leave by at XDP; 0: no XDP
};

class Maps {
  public:
    Maps() = default;
    Maps(const Maps&) = delete;
    Maps& operator=(const Maps&) = delete;
    virtual ~Maps() = default;

    std::span<ss_session_state> states;
    std::span<ss_session> sessions;
    std::span<ss_plan> plans;
    std::span<ss_prefix_table> prefix_tables;
    std::span<ss_cell> prefixes;
    std::span<std::uint64_t> filters;
    std::span<ss_target> slots;  ///< slot s in bank b: [2 * s + b]
    std::span<ss_policy> policies;
    std::span<ss_candidate> candidates;
    std::span<ss_list> lists;
    std::span<ss_node> nodes;                  ///< one entry
    std::span<ss_repair_state> repair_states;  ///< one entry
    std::span<ss_clock_conf> clock_confs;      ///< one entry
    std::span<ss_clock> clocks;                ///< one entry
    std::span<ss_reflectors> reflector_sets;   ///< one entry
    std::span<ss_sender> senders;              ///< by flow
    std::uint32_t counted_slots = 1;           ///< slots with entries of their own in ss_stats

    [[nodiscard]] ss_node& node() const { return nodes[0]; }
    [[nodiscard]] ss_repair_state& repair() const { return repair_states[0]; }
    [[nodiscard]] ss_reflectors& reflectors() const { return reflector_sets[0]; }
    [[nodiscard]] ss_clock_conf& clock_conf() const { return clock_confs[0]; }
    [[nodiscard]] ss_clock& clock() const { return clocks[0]; }

    /// Adds or replaces an entry of ss_sids. Returns an error if the table is full.
    virtual Result<void> set_sid(const Prefix& sid, const ss_sid& value) = 0;
    /// No error if there is no such entry.
    virtual Result<void> remove_sid(const Prefix& sid) = 0;
    /// The same for ss_adjacencies.
    virtual Result<void> set_adjacency(const ss_hop& hop, const ss_adjacency& adjacency) = 0;
    virtual Result<void> remove_adjacency(const ss_hop& hop) = 0;
    /// Lets XDP send the copies of a hitless candidate by these interfaces, one for each of its lists. Where that cannot
    /// be, tc sends them.
    virtual void set_copies(std::uint32_t candidate, const std::vector<int>& exits) = 0;
    /// Lets probes from `source` that come in by `ifindex` answer the passive session.
    virtual Result<void> set_passive(int ifindex, const Address& source, std::uint32_t session) = 0;
    /// Removes the expected probes for which `keep` returns false.
    virtual void prune_passives(
        const std::function<bool(int ifindex, const Address& source, std::uint32_t session)>& keep) = 0;

    /// Makes a window of this many words for a flow, or keeps the one that it has if it is as large and as patient.
    virtual Result<void> set_merge(std::uint32_t flow, std::uint32_t words, std::uint64_t reset_ns) = 0;
    /// Removes the windows of all other flows.
    virtual void prune_merges(const std::set<std::uint32_t>& kept) = 0;

    /// One entry of ss_stats, summed over the CPUs.
    [[nodiscard]] virtual ss_candidate_stats stats(std::uint32_t index) const = 0;
    virtual void clear_stats(std::uint32_t index) = 0;

    /// Returns when every program that was running at the time of the call has ended.
    virtual void wait_for_rcu_grace_period() const = 0;
};

}  // namespace sidestep
