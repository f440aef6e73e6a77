// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The BPF programs loaded for a test, unpinned and attached to nothing, with their maps as memory.
#pragma once

#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <string>
#include <vector>

#include "bpf/abi/sidestep.h"
#include "bpf/lib/probe.h"
#include "bpf/sidestep.skel.h"
#include "detector/core/wire.hpp"
#include "detector/io/shared_array.hpp"
#include "tests/bpf/packet.hpp"

namespace sidestep {

inline constexpr std::uint32_t kPass = ~0U;       // TC_ACT_UNSPEC
inline constexpr std::uint32_t kNotRun = 0xdead;  // no program returns this: the kernel refused to run it
inline constexpr std::uint32_t kLoopback = 1;

/// What a program made of a packet.
struct RunResult {
    std::uint32_t code = 0;
    Bytes packet;
};

/// The bytes that a value occupies, to compare all of it.
template <typename Value>
Bytes memory_of(const Value& value) {
    Bytes bytes(sizeof value);
    std::memcpy(bytes.data(), static_cast<const void*>(&value), sizeof value);
    return bytes;
}

class Programs {
  public:
    /// Loads; on failure why_not() says why.
    Programs() : why_not_(load()) {}
    Programs(const Programs&) = delete;
    Programs& operator=(const Programs&) = delete;
    ~Programs() { sidestep_bpf__destroy(skeleton_); }

    /// Empty when the programs are loaded.
    [[nodiscard]] const std::string& why_not() const { return why_not_; }

    template <typename Value>
    void set(bpf_map* map, std::uint32_t index, const Value& value) {
        if (bpf_map__update_elem(map, &index, sizeof index, &value, sizeof value, BPF_ANY) != 0) std::abort();
    }

    void set_prefix(const Prefix& prefix, std::uint32_t policy) {
        ss_prefix key{.length = prefix.length, .address = {}};
        std::ranges::copy(prefix.address.bytes, key.address);
        if (bpf_map__update_elem(maps().ss_prefixes, &key, sizeof key, &policy, sizeof policy, BPF_ANY) != 0)
            std::abort();
    }

    void set_policy(std::uint32_t id, const std::vector<std::uint32_t>& candidates) {
        ss_policy policy{.count = static_cast<std::uint32_t>(candidates.size()), .candidate = {}};
        std::ranges::copy(candidates, policy.candidate);
        set(maps().ss_policies, id, policy);
    }

    void lower(std::uint32_t session, std::uint32_t rank = SS_DOWN) {
        gates[0].closed += words[session].rank == SS_UP;
        words[session].rank = rank;
    }

    RunResult ingress(const Bytes& packet, std::uint32_t ifindex = kLoopback) {
        return run(skeleton_->progs.ss_ingress, packet, ifindex, 0);
    }

    RunResult tick(std::uint32_t mark = SS_BEAT_MARK) {
        return run(skeleton_->progs.ss_tick, Bytes(SS_BEAT_BYTES, 0), kLoopback, mark);
    }

    [[nodiscard]] std::uint64_t counter(std::uint32_t index) const {
        const auto values = per_cpu<std::uint64_t>(skeleton_->maps.ss_counts, index);
        return std::accumulate(values.begin(), values.end(), std::uint64_t{0});
    }
    [[nodiscard]] std::uint64_t rejects(ss_reject reason) const { return counter(reason); }
    [[nodiscard]] std::uint64_t outcomes(ss_outcome outcome) const {
        return counter(unsigned{SS_REJECT_COUNT} + outcome);
    }
    [[nodiscard]] std::uint64_t all_counters() const {
        std::uint64_t sum = 0;
        for (std::uint32_t i = 0; i < SS_COUNTERS; ++i) sum += counter(i);
        return sum;
    }

    template <typename Value>
    [[nodiscard]] std::vector<Value> per_cpu(const bpf_map* map, std::uint32_t index) const {
        std::vector<Value> values(static_cast<std::size_t>(libbpf_num_possible_cpus()));
        if (bpf_map__lookup_elem(map, &index, sizeof index, values.data(), values.size() * sizeof(Value), 0) != 0) {
            std::abort();
        }
        return values;
    }

    /// The events that wait in the ring; they are taken out.
    std::vector<ss_event> events() {
        std::vector<ss_event> result;
        const auto take = [](void* context, void* data, std::size_t size) {
            auto& event = static_cast<std::vector<ss_event>*>(context)->emplace_back();
            if (size == sizeof event) std::memcpy(&event, data, size);
            return 0;
        };
        ring_buffer* ring = ring_buffer__new(bpf_map__fd(maps().ss_events), take, &result, nullptr);
        ring_buffer__consume(ring);
        ring_buffer__free(ring);
        return result;
    }

    decltype(sidestep_bpf::maps)& maps() { return skeleton_->maps; }

    ss_secret secret{{0x0123456789abcdef, 0xfedcba9876543210}};
    SharedArray<ss_word> words;
    SharedArray<ss_gate> gates;
    SharedArray<ss_session> sessions;
    SharedArray<ss_plan> plans;
    SharedArray<ss_clock_conf> clock_confs;
    SharedArray<ss_clock> clocks;

  private:
    std::string load() {
        libbpf_set_print(nullptr);
        skeleton_ = sidestep_bpf__open();
        if (skeleton_ == nullptr) return std::string("cannot open the BPF programs: ") + std::strerror(errno);
        bpf_map__set_max_entries(maps().ss_policies, 8);
        bpf_map__set_max_entries(maps().ss_candidates, 32);
        bpf_map__set_max_entries(maps().ss_stats, 32);
        bpf_map__set_max_entries(maps().ss_prefixes, 64);
        if (const int error = sidestep_bpf__load(skeleton_); error < 0) {
            return std::string("cannot load the BPF programs: ") + std::strerror(-error);
        }
        attach(words, maps().ss_words);
        attach(gates, maps().ss_gates);
        attach(sessions, maps().ss_sessions);
        attach(plans, maps().ss_plans);
        attach(clock_confs, maps().ss_clock_confs);
        attach(clocks, maps().ss_clocks);
        set(maps().ss_secrets, 0, secret);
        for (auto& word : words.all()) word = {.rank = SS_UP, .gates = 1};
        return {};
    }

    template <typename Array>
    void attach(Array& array, const bpf_map* map) {
        auto mapped = Array::map(bpf_map__fd(map), bpf_map__name(map));
        if (!mapped) std::abort();
        array = std::move(*mapped);
    }

    static RunResult run(const bpf_program* program, const Bytes& packet, std::uint32_t ifindex, std::uint32_t mark) {
        RunResult result;
        result.packet.resize(4096);
        __sk_buff context{};
        context.ifindex = ifindex;
        context.mark = mark;
        LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = packet.data(), .data_out = result.packet.data(),
                    .data_size_in = static_cast<std::uint32_t>(packet.size()),
                    .data_size_out = static_cast<std::uint32_t>(result.packet.size()), .ctx_in = &context,
                    .ctx_size_in = sizeof context, .repeat = 1);
        if (bpf_prog_test_run_opts(bpf_program__fd(program), &options) != 0) {
            result.code = kNotRun;
            result.packet.clear();
            return result;
        }
        result.code = options.retval;
        result.packet.resize(options.data_size_out);
        return result;
    }

    sidestep_bpf* skeleton_ = nullptr;
    std::string why_not_;
};

/// A probe's session on the loopback device; its template leads to `sink`.
inline void open_session(Programs& programs, std::uint16_t index, const Address& sink,
                         std::uint32_t ifindex = kLoopback, std::span<const Address> segments = {}) {
    const auto probe = make_probe({}, address("2001:db8:a::1"), sink, segments, index);
    auto& conf = programs.sessions[index].conf;
    conf.flags = SS_SESSION_ACTIVE;
    conf.ifindex = ifindex;
    conf.multiplier = 3;
    conf.up_count = 3;
    conf.interval_ns = 1'000'000;
    conf.allowance_ns = 200'000;
    conf.template_length = static_cast<std::uint16_t>(probe.bytes.size());
    conf.udp_offset = probe.udp_offset;
    conf.checksum = probe.checksum;
    std::ranges::copy(sink.bytes, conf.sink);
    std::ranges::copy(probe.bytes, conf.template_bytes);
}

/// Probe `sequence` of a session as it comes back.
inline Bytes returned_probe(const Programs& programs, std::uint16_t index, std::uint32_t sequence, std::uint64_t sent) {
    const auto& conf = programs.sessions[index].conf;
    Bytes bytes(conf.template_bytes, conf.template_bytes + conf.template_length);
    ss_stamp stamp{};
    std::memcpy(&stamp, bytes.data() + conf.udp_offset + 8, sizeof stamp);
    const auto check = ss_stamp_fill(&stamp, &programs.secret, sequence, sent, conf.checksum);
    std::memcpy(bytes.data() + conf.udp_offset + 6, &check, sizeof check);
    std::memcpy(bytes.data() + conf.udp_offset + 8, &stamp, sizeof stamp);
    return bytes;
}

}  // namespace sidestep
