// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What leads from a prefix to a way out, in the maps: policies, candidate paths and segment lists, each once however
// many need it. What the set in force does not need is kept until the next set: packets may still be on their way
// through it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "detector/core/config.hpp"
#include "detector/maps/maps.hpp"
#include "detector/maps/session_table.hpp"

namespace sidestep {

/// Indices of one of the maps: which are free, and which become free with the next set.
class IndexPool {
  public:
    explicit IndexPool(std::uint32_t capacity, std::uint32_t first = 0) : next_(first), capacity_(capacity) {}
    /// nullopt if all are taken.
    std::optional<std::uint32_t> take();
    /// Nobody new gets it before the next turn().
    void give_back(std::uint32_t index) { resting_.push_back(index); }
    void turn();

  private:
    std::uint32_t next_;
    std::uint32_t capacity_;
    std::vector<std::uint32_t> free_;
    std::vector<std::uint32_t> resting_;
};

class PathStore {
  public:
    PathStore(Maps& maps, SessionTable& sessions);

    /// The outer source of lists that are asked for from now on.
    void set_source(const Address& source) { source_ = source; }

    /// A set of policies begins: what is not asked for until end_set() is forgotten, or, if abandon_set() comes
    /// instead, what was new in it.
    void begin_set();
    /// The index of this candidate path in the maps. `as_routed`: its plain lists are left to the kernel
    /// (SS_MODE_PLAIN), else they go to the adjacency itself.
    Result<std::uint32_t> candidate(const CandidateConfig& config, bool as_routed);
    /// The index of the policy of these candidate paths, in order of preference.
    Result<std::uint32_t> policy(const std::vector<std::uint32_t>& candidates);
    void end_set();
    void abandon_set();
    /// Bytes that the longest list of the set adds to a packet.
    [[nodiscard]] std::uint32_t longest_overhead() const { return longest_overhead_; }

    /// Writes the lists that leave by this adjacency again, since its link changed.
    void refresh(const Session& session);

  private:
    struct ListKey {
        std::string adjacency;
        Address source;  ///< outer source; unset if nothing is pushed that has one
        std::vector<Address> segments;
        std::vector<std::string> sessions;
        Encap encap = Encap::plain;
        bool as_routed = false;
        auto operator<=>(const ListKey&) const = default;  // NOLINT(modernize-use-nullptr)
    };
    using CandidateKey = std::vector<std::pair<std::uint32_t, std::uint32_t>>;  ///< lists and weights
    struct Entry {
        std::uint32_t index = 0;
        bool wanted = true;
        bool fresh = true;            ///< not known before this set
        std::uint16_t adjacency = 0;  ///< of a list: the session that it leaves by
        std::uint32_t overhead = 0;   ///< of a list: bytes that it adds to a packet
    };

    Result<std::uint32_t> list(const SegmentListConfig& config, bool as_routed);
    void write(const ListKey& key, std::uint32_t index);
    [[nodiscard]] ss_list encode(const ListKey& key) const;

    Maps& maps_;
    SessionTable& sessions_;
    Address source_;
    IndexPool free_lists_;
    IndexPool free_candidates_;
    IndexPool free_policies_;
    std::uint32_t longest_overhead_ = 0;
    std::map<ListKey, Entry> lists_;
    std::map<CandidateKey, Entry> candidates_;
    std::map<std::vector<std::uint32_t>, Entry> policies_;  ///< by their candidates
};

}  // namespace sidestep
