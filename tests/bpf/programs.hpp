// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Loads the BPF programs for a test, unpinned and not attached, with their maps as memory.
#pragma once

#include <linux/if_ether.h>
#include <net/if.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "bpf/abi/sidestep.h"
#include "bpf/sidestep.skel.h"
#include "common/fd.hpp"
#include "detector/kernel/shared_array.hpp"
#include "detector/maps/length_list.hpp"
#include "detector/maps/prefix_table.hpp"
#include "tests/bpf/packet.hpp"
#include "tests/bpf/run_program.hpp"

namespace sidestep {

/// The bytes that a value occupies, to compare all of it.
template <typename Value>
Bytes memory_of(const Value& value) {
    Bytes bytes(sizeof value);
    std::memcpy(bytes.data(), static_cast<const void*>(&value), sizeof value);
    return bytes;
}

/// Added to the slot of a prefix: `mode: observe`.
inline constexpr std::uint32_t kObservedSlot = 1U << 28;

/// True if the ingress tests run at XDP.
inline bool hook_is_xdp() {
    const char* hook = std::getenv("SIDESTEP_TEST_HOOK");
    return hook != nullptr && std::string_view(hook) == "xdp";
}

class Programs {
  public:
    /// Loads one of the two ingress programs. On failure, why_not() tells the reason.
    explicit Programs(bool at_xdp = hook_is_xdp()) : at_xdp_(at_xdp), why_not_(load()) {}
    Programs(const Programs&) = delete;
    Programs& operator=(const Programs&) = delete;
    ~Programs() { sidestep_bpf__destroy(skeleton_); }

    /// Empty if the programs are loaded.
    [[nodiscard]] const std::string& why_not() const { return why_not_; }

    template <typename Value>
    void set(bpf_map* map, std::uint32_t index, const Value& value) {
        if (bpf_map__update_elem(map, &index, sizeof index, &value, sizeof value, BPF_ANY) != 0) std::abort();
    }

    /// Puts the destination under the policies of `slot`.
    void set_prefix(const Prefix& prefix, std::uint32_t slot);

    /// Adds a SID of this node.
    void set_sid(const Prefix& prefix, const ss_sid& sid);

    /// Maps a gateway on an interface, or any gateway if unspecified, to the adjacency of `session`.
    void set_adjacency(std::uint32_t ifindex, const Address& gateway, const ss_adjacency& adjacency);

    /// Sets the outer sources that may send to SIDs of this node.
    void set_domain(const std::vector<Prefix>& prefixes);

    /// Sets the policy of a slot in one bank; stats_index() names its counters.
    void set_policy_in(std::uint32_t bank, std::uint32_t slot, const std::vector<std::uint32_t>& paths);
    void set_policy(std::uint32_t slot, const std::vector<std::uint32_t>& paths) {
        for (const std::uint32_t bank : {0U, 1U}) set_policy_in(bank, slot, paths);
    }

    /// Sets a candidate path with weighted lists.
    void set_candidate(std::uint32_t index, const std::vector<ss_weighted>& weighted);
    /// Sets a candidate path with a single list; both have this index.
    void set_path(std::uint32_t index, const ss_list& list) {
        lists[index] = list;
        set_candidate(index, {{.list = index, .weight = 1}});
    }

    void lower(std::uint32_t session, std::uint32_t rank = SS_DOWN) {
        repair[0].active += states[session].rank == SS_UP;
        states[session].rank = rank;
    }

    /// Runs the ingress program, at tc or at XDP; both must give the same result.
    RunResult ingress(const Bytes& packet, std::uint32_t ifindex = kLoopback);
    [[nodiscard]] bool at_xdp() const { return at_xdp_; }
    /// The program of tc ingress.
    [[nodiscard]] int ingress_program() const { return bpf_program__fd(skeleton_->progs.ss_ingress); }
    [[nodiscard]] int xdp_program() const { return bpf_program__fd(skeleton_->progs.ss_ingress_xdp); }
    [[nodiscard]] int device_program() const { return bpf_program__fd(skeleton_->progs.ss_device); }
    /// True if packets at the tested hook can get a header of this many bytes, including Ethernet.
    [[nodiscard]] bool takes_header(std::uint32_t bytes) const {
        return !at_xdp_ || static_cast<int>(bytes) - ETH_HLEN <= kRoomAtXdp;
    }
    /// Length of the longest list for H.Encaps there.
    [[nodiscard]] unsigned most_segments() const;

    /// True if a packet that came in by this interface had too little headroom at XDP.
    [[nodiscard]] bool has_no_headroom(std::uint32_t ifindex);
    /// Describes an interface to the XDP programs.
    void set_xdp_interface(std::uint32_t ifindex, const ss_xdp_interface& port);
    /// Lets copies of a hitless candidate leave at XDP, by these interfaces.
    void let_copies_out(std::uint32_t candidate, const std::vector<std::uint32_t>& interfaces);

    /// What is routed into the policy device, after it came in by an interface; 0: it is of this node.
    RunResult device(const Bytes& packet, std::uint32_t came_in_by = 0) {
        return run(skeleton_->progs.ss_device, packet, kLoopback, 0, came_in_by);
    }

    /// What the kernel sends out of an interface, after it came in by another; 0: it is of this node.
    RunResult egress(const Bytes& packet, std::uint32_t ifindex, std::uint32_t came_in_by = 0) {
        return run(skeleton_->progs.ss_egress, packet, ifindex, 0, came_in_by);
    }

    RunResult tick(std::uint32_t mark = SS_TICK_MARK) {
        return run(skeleton_->progs.ss_tick, Bytes(SS_TICK_BYTES, 0), kLoopback, mark);
    }

    [[nodiscard]] std::uint64_t counter(std::uint32_t index) const {
        const auto values = per_cpu<std::uint64_t>(skeleton_->maps.ss_counts, index);
        return std::accumulate(values.begin(), values.end(), std::uint64_t{0});
    }
    [[nodiscard]] std::uint64_t rejects(ss_reject reason) const { return counter(reason); }
    [[nodiscard]] std::uint64_t outcomes(ss_outcome outcome) const { return counter(SS_COUNT_OUTCOMES + outcome); }
    [[nodiscard]] std::uint64_t drops(ss_drop drop) const { return counter(SS_COUNT_DROPS + drop); }
    [[nodiscard]] std::uint64_t all_counters() const {
        std::uint64_t sum = 0;
        for (std::uint32_t i = 0; i < SS_COUNTERS; ++i) sum += counter(i);
        return sum;
    }

    /// Index of the counters of a slot's candidate; SS_MAX_CANDIDATES is for packets that no candidate took.
    static std::uint32_t stats_index(std::uint32_t slot, std::uint32_t candidate) {
        return slot * kStatsPerSlot + candidate;
    }
    /// Counters of a policy's candidate, by position; the one after the last is for packets that no candidate took.
    [[nodiscard]] ss_candidate_stats stats(std::uint32_t slot, std::uint32_t candidate) const;

    template <typename Value>
    [[nodiscard]] std::vector<Value> per_cpu(const bpf_map* map, std::uint32_t index) const {
        std::vector<Value> values(static_cast<std::size_t>(libbpf_num_possible_cpus()));
        if (bpf_map__lookup_elem(map, &index, sizeof index, values.data(), values.size() * sizeof(Value), 0) != 0) {
            std::abort();
        }
        return values;
    }

    /// Takes the waiting events out of the ring.
    std::vector<ss_event> events();

    decltype(sidestep_bpf::maps)& maps() { return skeleton_->maps; }

    ss_node& node() { return nodes_[0]; }

    ss_secret secret{{0x0123456789abcdef, 0xfedcba9876543210}};
    SharedArray<ss_session_state> states;
    SharedArray<ss_repair_state> repair;
    SharedArray<ss_session> sessions;
    SharedArray<ss_plan> plans;
    SharedArray<ss_clock_conf> clock_confs;
    SharedArray<ss_clock> clocks;
    SharedArray<ss_target> slots;     ///< slot s in bank b: [2 * s + b]
    SharedArray<ss_policy> policies;  ///< each slot has its own in each bank
    SharedArray<ss_candidate> candidates;
    SharedArray<ss_list> lists;
    SharedArray<ss_reflectors> reflectors;

  private:
    static constexpr std::uint32_t kSlots = 16;
    static constexpr std::uint32_t kPrefixes = 256;
    static constexpr std::uint32_t kStatsPerSlot = SS_MAX_CANDIDATES + 1;
    static constexpr std::uint32_t kPaths = 32;
    static constexpr std::uint32_t kPorts = 16;
    static constexpr int kRoomAtXdp = 256 - 40;  ///< for BPF_PROG_RUN: XDP_PACKET_HEADROOM without struct xdp_frame

    static bool exists(std::uint32_t ifindex) {
        std::array<char, IF_NAMESIZE> name{};
        return ::if_indextoname(ifindex, name.data()) != nullptr;
    }
    /// An interface with the program behind the redirect.
    [[nodiscard]] bpf_devmap_val exit_by(std::uint32_t ifindex) const;

    std::string load();

    template <typename Array>
    void attach(Array& array, const bpf_map* map) {
        auto mapped = Array::map(bpf_map__fd(map), bpf_map__name(map));
        if (!mapped) std::abort();
        array = std::move(*mapped);
    }

    /// The target of a slot's prefixes and bypasses in a bank.
    static ss_target target(std::uint32_t bank, std::uint32_t slot);

    static RunResult run(const bpf_program* program, const Bytes& packet, std::uint32_t ifindex, std::uint32_t mark,
                         std::uint32_t came_in_by = 0) {
        return run_program(bpf_program__fd(program), packet, ifindex, mark, came_in_by);
    }

    /// Probes answered, over all sessions.
    [[nodiscard]] std::uint64_t answered() const;

    const bool at_xdp_;
    sidestep_bpf* skeleton_ = nullptr;
    SharedArray<ss_node> nodes_;
    std::set<Prefix> sids_;
    std::optional<LengthList> sid_lengths_;
    SharedArray<ss_prefix_table> heads_;
    SharedArray<ss_cell> cells_;
    SharedArray<std::uint64_t> filters_;
    std::map<Prefix, std::uint32_t> prefixes_;  ///< to slots
    std::array<std::optional<PrefixTable>, 2> tables_;
    std::string why_not_;
};

}  // namespace sidestep
