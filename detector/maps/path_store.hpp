// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The path from a prefix to an adjacency, in the maps: policies, candidate paths and segment lists, each stored once
// however many use it. Entries that a new set does not need stay until the next set, because packets may still use
// them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "detector/core/config.hpp"
#include "detector/maps/maps.hpp"
#include "detector/maps/session_table.hpp"

namespace sidestep {

/// The free indices of one map, and those that become free with the next set.
class IndexPool {
  public:
    explicit IndexPool(std::uint32_t capacity, std::uint32_t first = 0) : next_(first), capacity_(capacity) {}
    /// nullopt if all are taken.
    std::optional<std::uint32_t> take();
    /// No one gets this index before the next turn().
    void give_back(std::uint32_t index) { resting_.push_back(index); }
    void turn();

  private:
    std::uint32_t next_;
    std::uint32_t capacity_;
    std::vector<std::uint32_t> free_;
    std::vector<std::uint32_t> resting_;
};

/// Of a segment list, whatever policies use it.
struct ListName {
    std::string adjacency;
    std::vector<Address> segments;
    auto operator<=>(const ListName&) const = default;  // NOLINT(modernize-use-nullptr)
};

class PathStore {
  public:
    PathStore(Maps& maps, SessionTable& sessions);

    /// Sets the outer source of lists that are requested from now on.
    void set_source(const Address& source) { source_ = source; }

    /// Begins a set of policies. end_set() forgets entries that were not requested since; abandon_set() forgets those
    /// that were new.
    void begin_set();
    /// The index of this candidate path in the maps. With `as_routed`, plain lists are left to the kernel
    /// (SS_MODE_PLAIN); otherwise they go to the adjacency itself.
    /// With a `flow`, packets leave by all its lists. `position` in the policy.
    Result<std::uint32_t> candidate(const CandidateConfig& config, bool as_routed, std::uint32_t flow = 0,
                                    std::uint32_t position = 0);
    /// The index of the policy with these candidate paths, in order of preference.
    Result<std::uint32_t> policy(const std::vector<std::uint32_t>& candidates);
    /// Tells the lists of hitless candidates which one that is: before the set is in force, but only once it cannot fail
    /// any more, since those lists may be in force already.
    void bind_lists();
    void end_set();
    void abandon_set();
    /// Encapsulation overhead of the longest list in the set.
    [[nodiscard]] std::uint32_t longest_overhead() const { return longest_overhead_; }

    /// Writes the lists of this adjacency again after a change of its link.
    void refresh(const Session& session);

    /// A router says that packets of more than `mtu` bytes do not pass it; `quoted` begins with the outer header of one. Holds
    /// the lists that it may have had to that size, for kMtuHeld. Returns their adjacencies.
    std::set<std::string> learn_mtu(std::span<const std::uint8_t> quoted, std::uint32_t mtu, Nanoseconds now);
    /// The lists that a packet may have had whose outer header `quoted` begins with.
    [[nodiscard]] std::set<ListName> lists_carrying(std::span<const std::uint8_t> quoted) const;
    /// Tries the full size again where such a message is old (RFC 8201, 4).
    void forget_mtus(Nanoseconds now);
    /// Rises whenever one of the two has changed something.
    [[nodiscard]] std::uint64_t mtu_changes() const { return mtu_changes_; }
    /// The largest packet that fits on this list with its header; nullopt if that is not known.
    [[nodiscard]] std::optional<std::uint32_t> room_of(const SegmentListConfig& config) const;

  private:
    struct ListKey {
        std::string adjacency;
        Address source;  ///< outer source; unset if the list has no outer header
        std::vector<Address> segments;
        std::vector<std::string> sessions;
        Encap encap = Encap::plain;
        bool as_routed = false;
        std::uint32_t mtu = 0;                             ///< 0: the link's
        std::uint32_t flow = 0;                            ///< not 0: hitless
        std::uint32_t position = 0;                        ///< hitless: of its candidate in the policy
        auto operator<=>(const ListKey&) const = default;  // NOLINT(modernize-use-nullptr)
    };
    using CandidateKey = std::vector<std::pair<std::uint32_t, std::uint32_t>>;  ///< lists and weights
    struct Entry {
        std::uint32_t index = 0;
        bool wanted = true;
        bool fresh = true;            ///< new in this set
        std::uint16_t adjacency = 0;  ///< of a list: the session of its adjacency
        std::uint32_t overhead = 0;   ///< of a list: its encapsulation overhead
        std::uint32_t candidate = 0;  ///< of a hitless list: the index of its candidate
        std::uint32_t path_mtu = 0;   ///< of a list: as a router on the way said; 0: none did
        Nanoseconds learned{};        ///< when
    };

    Result<std::uint32_t> list(const SegmentListConfig& config, bool as_routed, std::uint32_t flow,
                               std::uint32_t position);
    [[nodiscard]] Address source_for(Encap encap) const;
    void level();
    void show_exits();
    void write(const ListKey& key, const Entry& entry);
    [[nodiscard]] std::uint32_t mtu_of(const ListKey& key, const Entry& entry) const;
    [[nodiscard]] ss_list encode(const ListKey& key, const Entry& entry) const;

    Maps& maps_;
    SessionTable& sessions_;
    Address source_;
    IndexPool free_lists_;
    IndexPool free_candidates_;
    IndexPool free_policies_;
    std::uint32_t longest_overhead_ = 0;
    std::uint64_t mtu_changes_ = 0;
    std::map<ListKey, Entry> lists_;
    std::map<CandidateKey, Entry> candidates_;
    std::map<std::vector<std::uint32_t>, Entry> policies_;  ///< by their candidates
};

}  // namespace sidestep
