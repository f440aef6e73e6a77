// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The data plane's tables in plain memory, so that an engine can run without a kernel: in `sidestep replay`, and in tests,
// which need neither root nor BPF then. A second engine over the same object plays the successor that adopts it.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "detector/maps/maps.hpp"

namespace sidestep {

class PlainMaps : public Maps {
  public:
    explicit PlainMaps(const PolicySizes& sizes)
        : cells_(2UL * sizes.cells),
          words_(2UL * sizes.filter_words),
          targets_(2UL * sizes.slots),
          policy_(sizes.policies),
          candidate_(sizes.candidates),
          list_(sizes.lists) {
        states = state_;
        sessions = session_;
        plans = plan_;
        prefix_tables = table_;
        prefixes = cells_;
        filters = words_;
        slots = targets_;
        policies = policy_;
        candidates = candidate_;
        lists = list_;
        nodes = node_;
        repair_states = repair_;
        clock_confs = clock_conf_;
        clocks = clock_;
        senders = sender_;
        reflector_sets = reflectors_;
        counted_slots = sizes.counted;
    }

    Result<void> set_sid(const Prefix& sid, const ss_sid& value) override {
        ++changes_;
        sids[sid] = value;
        return {};
    }
    Result<void> remove_sid(const Prefix& sid) override {
        ++changes_;
        sids.erase(sid);
        return {};
    }
    Result<void> set_adjacency(const ss_hop& hop, const ss_adjacency& adjacency) override {
        ++changes_;
        adjacencies[bytes_of(hop)] = adjacency;
        return {};
    }
    Result<void> remove_adjacency(const ss_hop& hop) override {
        ++changes_;
        adjacencies.erase(bytes_of(hop));
        return {};
    }
    Result<void> set_passive(int ifindex, const Address& source, std::uint32_t session) override {
        ++changes_;
        passives[{ifindex, source}] = session;
        return {};
    }
    void prune_passives(
        const std::function<bool(int ifindex, const Address& source, std::uint32_t session)>& keep) override {
        changes_ += std::erase_if(
            passives, [&](const auto& entry) { return !keep(entry.first.first, entry.first.second, entry.second); });
    }
    void set_copies(std::uint32_t /*candidate*/, const std::vector<int>& /*exits*/) override {}

    Result<void> set_merge(std::uint32_t flow, std::uint32_t words, std::uint64_t reset_ns) override {
        ++changes_;
        merges[flow] = {words, reset_ns};
        return {};
    }
    void prune_merges(const std::set<std::uint32_t>& kept) override {
        changes_ += std::erase_if(merges, [&](const auto& entry) { return !kept.contains(entry.first); });
    }
    [[nodiscard]] ss_candidate_stats stats(std::uint32_t /*index*/) const override { return {}; }
    void clear_stats(std::uint32_t /*index*/) override {}
    void wait_for_rcu_grace_period() const override {}

    std::map<Prefix, ss_sid> sids;
    std::map<std::string, ss_adjacency> adjacencies;
    std::map<std::pair<int, Address>, std::uint32_t> passives;
    std::map<std::uint32_t, std::pair<std::uint32_t, std::uint64_t>> merges;  ///< words and patience, by flow

    /// A copy of all shared memory, and how often the other tables were changed: to show that nothing was written.
    [[nodiscard]] std::string snapshot() const {
        std::string bytes;
        const auto add = [&](const auto& span) {
            bytes.append(reinterpret_cast<const char*>(span.data()), span.size_bytes());
        };
        add(states), add(sessions), add(plans), add(prefix_tables), add(prefixes), add(filters), add(slots);
        add(policies), add(candidates), add(lists), add(nodes), add(repair_states), add(clock_confs), add(clocks);
        add(senders), add(reflector_sets);
        return bytes + std::to_string(changes_);
    }

  private:
    static std::string bytes_of(const ss_hop& hop) { return {reinterpret_cast<const char*>(&hop), sizeof hop}; }

    std::size_t changes_ = 0;
    std::vector<ss_session_state> state_ = std::vector<ss_session_state>(SS_MAX_SESSIONS);
    std::vector<ss_session> session_ = std::vector<ss_session>(SS_MAX_SESSIONS);
    std::vector<ss_plan> plan_ = std::vector<ss_plan>(2);
    std::vector<ss_prefix_table> table_ = std::vector<ss_prefix_table>(2);
    std::vector<ss_cell> cells_;
    std::vector<std::uint64_t> words_;
    std::vector<ss_target> targets_;
    std::vector<ss_policy> policy_;
    std::vector<ss_candidate> candidate_;
    std::vector<ss_list> list_;
    std::vector<ss_node> node_ = std::vector<ss_node>(1);
    std::vector<ss_repair_state> repair_ = std::vector<ss_repair_state>(1);
    std::vector<ss_clock_conf> clock_conf_ = std::vector<ss_clock_conf>(1);
    std::vector<ss_sender> sender_ = std::vector<ss_sender>(SS_MAX_FLOWS);
    std::vector<ss_reflectors> reflectors_ = std::vector<ss_reflectors>(1);
    std::vector<ss_clock> clock_ = std::vector<ss_clock>(1);
};

}  // namespace sidestep
