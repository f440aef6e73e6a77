// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The BPF programs and maps of one node, as the detector sees them.
//
// The maps come in two halves. The session half (words, repair, sessions, clock, secret, counters) is pinned and
// adopted by the next process, so that probing and repair neither stop nor forget while the detector is replaced. The
// policy half (prefixes, policies, candidates) is built anew at each start, together with the programs, and takes over
// when the new programs replace the old ones where they are attached.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bpf/abi/sidestep.h"
#include "common/address.hpp"
#include "common/error.hpp"
#include "detector/kernel/tc_hook.hpp"
#include "detector/maps/shared_array.hpp"

struct sidestep_bpf;
struct ring_buffer;

namespace sidestep {

/// How many entries the policy half needs.
struct PolicySizes {
    std::uint32_t slots = 1;    ///< slot 0, the exempt one, included
    std::uint32_t counted = 1;  ///< slots that have counters of their own
    std::uint32_t policies = 1;
    std::uint32_t candidates = 1;
    std::uint32_t lists = 1;
    std::uint32_t cells = 1;         ///< PrefixTable's, of one table
    std::uint32_t filter_words = 1;  ///< of one table
    std::uint32_t sids = 1;
    std::uint32_t adjacencies = 1;
    std::uint32_t xdp_interfaces = 0;  ///< interfaces that packets at XDP enter or leave by; 0: no XDP
};

/// Entries of ss_stats that belong to one slot: one for each candidate, and one for what none of them took.
inline constexpr std::uint32_t kStatsPerSlot = SS_MAX_CANDIDATES + 1;

class Dataplane {
  public:
    /// Loads the programs; adopts the session half that is pinned in `pin_directory` (on a bpffs) or creates and pins
    /// it. `kind`: how the programs are going to be attached.
    static Result<std::unique_ptr<Dataplane>> load(const std::string& pin_directory, const PolicySizes& sizes,
                                                   TcKind kind = TcKind::clsact);
    Dataplane(const Dataplane&) = delete;
    Dataplane& operator=(const Dataplane&) = delete;
    ~Dataplane();

    /// True if the session half is a predecessor's.
    [[nodiscard]] bool adopted() const { return adopted_; }
    /// Removes all pins: the programs live as long as they are attached, the maps as long as the programs.
    void unpin() const;
    /// Removes the pins of versions with another layout, once our programs have taken their places.
    void unpin_other_layouts() const;

    Result<void> set_sid(const Prefix& sid, const ss_sid& value);
    Result<void> remove_sid(const Prefix& sid);
    Result<void> set_adjacency(const ss_hop& hop, const ss_adjacency& adjacency);
    Result<void> remove_adjacency(const ss_hop& hop);
    Result<void> set_xdp_interface(int ifindex, const ss_xdp_interface& port);
    void remove_xdp_interface(int ifindex);
    /// Whether a packet that came in by this interface had too little room at XDP.
    [[nodiscard]] bool has_no_headroom(int ifindex) const;
    Result<void> set_secret(const ss_secret& secret);
    /// Forgets the probes expected for sessions of which `keep` is false.
    void prune_passives(const std::function<bool(std::uint32_t session, const Address& source)>& keep);
    /// Probes from `source` that come in by `ifindex` answer the passive session.
    Result<void> set_passive(int ifindex, const Address& source, std::uint32_t session);

    /// Summed over the CPUs.
    [[nodiscard]] ss_candidate_stats stats(std::uint32_t index) const;
    void clear_stats(std::uint32_t index);
    /// Rejects, then outcomes (SS_COUNTERS of them), summed over the CPUs.
    [[nodiscard]] std::array<std::uint64_t, SS_COUNTERS> counters() const;

    [[nodiscard]] int ingress_program() const;
    /// Loaded only if there are ports.
    [[nodiscard]] int xdp_program() const;
    [[nodiscard]] int device_program() const;
    [[nodiscard]] int lwt_in_program() const;
    [[nodiscard]] int lwt_xmit_program() const;
    [[nodiscard]] int tick_program() const;

    /// The ring's file descriptor for polling, and what to call when it is readable.
    [[nodiscard]] int events_fd() const;
    void consume_events(const std::function<void(const ss_event&)>& handle);

    SharedArray<ss_session_state> states;
    SharedArray<ss_session> sessions;
    SharedArray<ss_plan> plans;
    SharedArray<ss_prefix_table> prefix_tables;
    SharedArray<ss_cell> prefixes;
    SharedArray<std::uint64_t> filters;
    SharedArray<ss_target> slots;  ///< of slot s in bank b: [2 * s + b]
    SharedArray<ss_policy> policies;
    SharedArray<ss_candidate> candidates;
    SharedArray<ss_list> lists;
    ss_node& node() { return nodes_[0]; }
    [[nodiscard]] const ss_node& node() const { return nodes_[0]; }
    ss_repair_state& repair() { return repair_states_[0]; }
    ss_clock_conf& clock_conf() { return clock_confs_[0]; }
    ss_clock& clock() { return clocks_[0]; }

  private:
    Dataplane() = default;
    Result<void> open(const std::string& pin_directory, const PolicySizes& sizes, TcKind kind);
    Result<void> map_memory();

    sidestep_bpf* skeleton_ = nullptr;
    ring_buffer* ring_ = nullptr;
    std::function<void(const ss_event&)> handle_;
    std::string pin_directory_;
    bool adopted_ = false;
    SharedArray<ss_repair_state> repair_states_;
    SharedArray<ss_clock_conf> clock_confs_;
    SharedArray<ss_clock> clocks_;
    SharedArray<ss_node> nodes_;
};

/// Mounts a bpffs at `directory` (created if need be) unless there is one.
Result<void> mount_bpffs(const std::string& directory);
/// Undoes it, unless something is pinned there.
void unmount_bpffs(const std::string& directory);

}  // namespace sidestep
