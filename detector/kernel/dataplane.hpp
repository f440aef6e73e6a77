// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The BPF programs and maps of one node, as the detector sees them.
//
// The maps have two halves. The session half (session states, repair state, sessions, clock, secret, counters) is
// pinned, and the next process adopts it: probing and repair continue while the detector is replaced. The policy half
// (prefixes, policies, candidates) is built again at each start, together with the programs. It takes over when the new
// programs replace the attached ones.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "bpf/abi/sidestep.h"
#include "common/address.hpp"
#include "common/error.hpp"
#include "detector/kernel/shared_array.hpp"
#include "detector/kernel/tc_hook.hpp"
#include "detector/maps/maps.hpp"

struct sidestep_bpf;
struct ring_buffer;

namespace sidestep {

class Dataplane : public Maps {
  public:
    /// Loads the programs. Adopts the session half that is pinned in `pin_directory` (on a bpffs), or creates and pins
    /// it. `kind` says how the programs will be attached.
    static Result<std::unique_ptr<Dataplane>> load(const std::string& pin_directory, const PolicySizes& sizes,
                                                   TcKind kind = TcKind::clsact);
    Dataplane(const Dataplane&) = delete;
    Dataplane& operator=(const Dataplane&) = delete;
    ~Dataplane() override;

    /// True if the session half comes from a predecessor.
    [[nodiscard]] bool adopted() const { return adopted_; }
    /// Removes all pins. The programs then live as long as they are attached, the maps as long as the programs.
    void unpin() const;
    /// Removes the pins of versions with another layout. Call it once our programs have replaced theirs.
    void unpin_other_layouts() const;

    Result<void> set_sid(const Prefix& sid, const ss_sid& value) override;
    Result<void> remove_sid(const Prefix& sid) override;
    Result<void> set_adjacency(const ss_hop& hop, const ss_adjacency& adjacency) override;
    Result<void> remove_adjacency(const ss_hop& hop) override;
    void set_copies(std::uint32_t candidate, const std::vector<int>& exits) override;
    Result<void> set_xdp_interface(int ifindex, const ss_xdp_interface& port);
    void remove_xdp_interface(int ifindex);
    /// True if a packet that came in by this interface had too little headroom at XDP.
    [[nodiscard]] bool has_no_headroom(int ifindex) const;
    Result<void> set_secret(const ss_secret& secret);
    void prune_passives(
        const std::function<bool(int ifindex, const Address& source, std::uint32_t session)>& keep) override;
    Result<void> set_passive(int ifindex, const Address& source, std::uint32_t session) override;

    Result<void> set_merge(std::uint32_t flow, std::uint32_t words, std::uint64_t reset_ns) override;
    void prune_merges(const std::set<std::uint32_t>& kept) override;
    /// The window of a flow and its counters; nullptr if it has none.
    [[nodiscard]] std::unique_ptr<ss_merge> merge(std::uint32_t flow) const;
    std::span<ss_stray> strays;  ///< copies of flows that this node does not merge

    /// Summed over the CPUs.
    [[nodiscard]] ss_candidate_stats stats(std::uint32_t index) const override;
    void clear_stats(std::uint32_t index) override;
    void wait_for_rcu_grace_period() const override;
    /// Rejects, then outcomes (SS_COUNTERS of them), summed over the CPUs.
    [[nodiscard]] std::array<std::uint64_t, SS_COUNTERS> counters() const;

    [[nodiscard]] int ingress_program() const;
    /// The same for interfaces whose packets have no Ethernet header. Loaded when it is first asked for: few nodes have
    /// such interfaces, and the verifier takes a third of a start for it.
    Result<int> bare_ingress_program();
    [[nodiscard]] int egress_program() const;
    /// Loaded only if there are XDP interfaces.
    [[nodiscard]] int xdp_program() const;
    [[nodiscard]] int device_program() const;
    [[nodiscard]] int lwt_in_program() const;
    [[nodiscard]] int lwt_xmit_program() const;
    [[nodiscard]] int tick_program() const;

    /// The ring's file descriptor for polling; call consume_events() when it is readable.
    [[nodiscard]] int events_fd() const;
    struct EventHandlers {
        std::function<void(const ss_event&)> verdict;
        std::function<void(const ss_icmp_error_event&)> icmp_error;
    };
    void consume_events(const EventHandlers& handlers);

  private:
    Dataplane() = default;
    Result<void> open(const std::string& pin_directory, const PolicySizes& sizes, TcKind kind);
    Result<void> map_memory();

    sidestep_bpf* skeleton_ = nullptr;
    sidestep_bpf* bare_ = nullptr;  ///< ss_ingress_bare with the maps of skeleton_; null until it is needed
    ring_buffer* ring_ = nullptr;
    EventHandlers handlers_;
    std::string pin_directory_;
    bool adopted_ = false;
    std::map<std::uint32_t, std::vector<int>> copies_;  ///< by candidate: as last written
    // The memory behind the spans of Maps.
    std::tuple<SharedArray<ss_session_state>, SharedArray<ss_session>, SharedArray<ss_plan>,
               SharedArray<ss_prefix_table>, SharedArray<ss_cell>, SharedArray<std::uint64_t>, SharedArray<ss_target>,
               SharedArray<ss_policy>, SharedArray<ss_candidate>, SharedArray<ss_list>, SharedArray<ss_node>,
               SharedArray<ss_repair_state>, SharedArray<ss_clock_conf>, SharedArray<ss_clock>, SharedArray<ss_sender>,
               SharedArray<ss_stray>, SharedArray<ss_reflectors>>
        memory_;
};

}  // namespace sidestep
