// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Accesses the maps that need system calls, the programs, and the ring of events.
#include "detector/kernel/dataplane.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "bpf/sidestep.skel.h"
#include "common/fd.hpp"
#include "detector/kernel/rcu.hpp"

namespace sidestep {
namespace {

/// An interface as frames leave by it at XDP, with the program behind the redirect.
bpf_devmap_val exit_of(const sidestep_bpf& skeleton, int ifindex) {
    bpf_devmap_val value{};
    value.ifindex = static_cast<__u32>(ifindex);
    value.bpf_prog.fd = bpf_program__fd(skeleton.progs.ss_exit_xdp);
    return value;
}

/// The interfaces of a hitless candidate's lists. Nothing if there are none, one is not there, or two are the same: the
/// program behind the redirect knows a list by its interface.
Fd make_exits(const sidestep_bpf& skeleton, const std::vector<int>& exits) {
    if (exits.empty() || std::set<int>(exits.begin(), exits.end()).size() != exits.size()) return {};
    Fd made(bpf_map_create(BPF_MAP_TYPE_DEVMAP, "ss_copy_exits", sizeof(__u32), sizeof(bpf_devmap_val), SS_MAX_LISTS,
                           nullptr));
    for (__u32 i = 0; i < exits.size(); ++i) {
        const auto value = exit_of(skeleton, exits[i]);
        if (exits[i] == 0 || bpf_map_update_elem(made.get(), &i, &value, BPF_ANY) != 0) return {};
    }
    return made;
}

ss_prefix to_key(const Prefix& prefix) {
    ss_prefix key{};
    key.length = prefix.length;
    std::copy(prefix.address.bytes.begin(), prefix.address.bytes.end(), key.address);
    return key;
}

/// Collected first: a walk goes astray if what it stands on is removed.
template <typename Key>
std::vector<Key> keys_of(const bpf_map* map) {
    std::vector<Key> keys;
    Key key{};
    for (int end = bpf_map__get_next_key(map, nullptr, &key, sizeof key); end == 0;) {
        keys.push_back(key);
        const auto previous = key;
        end = bpf_map__get_next_key(map, &previous, &key, sizeof key);
    }
    return keys;
}

template <typename Value>
Result<void> update(const bpf_map* map, std::uint32_t index, const Value& value) {
    const int error = bpf_map__update_elem(map, &index, sizeof index, &value, sizeof value, BPF_ANY);
    if (error < 0) return fail_errno(fmt::format("cannot write {}[{}]", bpf_map__name(map), index), error);
    return {};
}

/// Adds an entry to a hash table, or replaces it.
template <typename Key, typename Value>
Result<void> put(const bpf_map* map, const Key& key, const Value& value, const std::string& what) {
    const int error = bpf_map__update_elem(map, &key, sizeof key, &value, sizeof value, BPF_ANY);
    if (error == -E2BIG) {
        return fail(
            fmt::format("cannot add {}: {} is full ({} entries)", what, bpf_map__name(map), bpf_map__max_entries(map)));
    }
    if (error < 0) return fail_errno("cannot add " + what, error);
    return {};
}

/// Removes an entry. No error if there is none.
template <typename Key>
Result<void> take_out(const bpf_map* map, const Key& key, const std::string& what) {
    const int error = bpf_map__delete_elem(map, &key, sizeof key, 0);
    if (error < 0 && error != -ENOENT) return fail_errno("cannot remove " + what, error);
    return {};
}

/// The values of all CPUs at `index`.
template <typename Value>
std::vector<Value> per_cpu(const bpf_map* map, std::uint32_t index) {
    std::vector<Value> values(static_cast<std::size_t>(std::max(1, libbpf_num_possible_cpus())));
    bpf_map__lookup_elem(map, &index, sizeof index, values.data(), values.size() * sizeof(Value), 0);
    return values;
}

template <typename Event>
void pass_on(const void* data, std::size_t size, const std::function<void(const Event&)>& handle) {
    Event event{};
    if (size < sizeof event) return;
    std::memcpy(&event, data, sizeof event);
    handle(event);
}

}  // namespace

void Dataplane::wait_for_rcu_grace_period() const {
    sidestep::wait_for_rcu_grace_period();
}

Dataplane::~Dataplane() {
    if (ring_ != nullptr) ring_buffer__free(ring_);
    sidestep_bpf__destroy(bare_);
    sidestep_bpf__destroy(skeleton_);
}

Result<void> Dataplane::set_sid(const Prefix& sid, const ss_sid& value) {
    return put(skeleton_->maps.ss_sids, to_key(sid), value, "SID " + sid.to_string());
}

Result<void> Dataplane::remove_sid(const Prefix& sid) {
    return take_out(skeleton_->maps.ss_sids, to_key(sid), "SID " + sid.to_string());
}

Result<void> Dataplane::set_adjacency(const ss_hop& hop, const ss_adjacency& adjacency) {
    return put(skeleton_->maps.ss_adjacencies, hop, adjacency, fmt::format("adjacency of interface {}", hop.ifindex));
}

Result<void> Dataplane::remove_adjacency(const ss_hop& hop) {
    return take_out(skeleton_->maps.ss_adjacencies, hop, fmt::format("adjacency of interface {}", hop.ifindex));
}

void Dataplane::set_copies(std::uint32_t candidate, const std::vector<int>& exits) {
    if (xdp_program() < 0) return;
    const auto written = copies_.find(candidate);
    if (written == copies_.end() ? exits.empty() : written->second == exits) return;
    if (const auto made = make_exits(*skeleton_, exits); made.get() >= 0) {
        const int fd = made.get();
        if (update(skeleton_->maps.ss_copies, candidate, fd)) {
            copies_[candidate] = exits;
            return;
        }
    }
    copies_.erase(candidate);
    (void)bpf_map__delete_elem(skeleton_->maps.ss_copies, &candidate, sizeof candidate, 0);
}

Result<void> Dataplane::set_xdp_interface(int ifindex, const ss_xdp_interface& port) {
    const auto key = static_cast<__u32>(ifindex);
    const auto what = fmt::format("interface {}", ifindex);
    if (port.redirect_target != 0) {
        if (auto leads = put(skeleton_->maps.ss_exits, key, exit_of(*skeleton_, ifindex), what); !leads) return leads;
    }
    return put(skeleton_->maps.ss_xdp_interfaces, key, port, what);
}

void Dataplane::remove_xdp_interface(int ifindex) {
    const auto key = static_cast<__u32>(ifindex);
    (void)bpf_map__delete_elem(skeleton_->maps.ss_xdp_interfaces, &key, sizeof key, 0);
    (void)bpf_map__delete_elem(skeleton_->maps.ss_exits, &key, sizeof key, 0);
}

bool Dataplane::has_no_headroom(int ifindex) const {
    const auto key = static_cast<__u32>(ifindex);
    ss_xdp_interface port{};
    return bpf_map__lookup_elem(skeleton_->maps.ss_xdp_interfaces, &key, sizeof key, &port, sizeof port, 0) == 0 &&
           port.no_headroom != 0;
}

Result<void> Dataplane::set_secret(const ss_secret& secret) {
    return update(skeleton_->maps.ss_secrets, 0, secret);
}

void Dataplane::prune_passives(
    const std::function<bool(int ifindex, const Address& source, std::uint32_t session)>& keep) {
    const auto* map = skeleton_->maps.ss_passives;
    for (const auto& key : keys_of<ss_passive_key>(map)) {
        std::uint32_t session = 0;
        Address source;
        std::copy(std::begin(key.source), std::end(key.source), source.bytes.begin());
        if (bpf_map__lookup_elem(map, &key, sizeof key, &session, sizeof session, 0) == 0 &&
            !keep(static_cast<int>(key.ifindex), source, session)) {
            (void)bpf_map__delete_elem(map, &key, sizeof key, 0);
        }
    }
}

Result<void> Dataplane::set_passive(int ifindex, const Address& source, std::uint32_t session) {
    ss_passive_key key{};
    key.ifindex = static_cast<__u32>(ifindex);
    std::copy(source.bytes.begin(), source.bytes.end(), key.source);
    const int error =
        bpf_map__update_elem(skeleton_->maps.ss_passives, &key, sizeof key, &session, sizeof session, BPF_ANY);
    if (error < 0) return fail_errno("cannot expect probes from " + source.to_string(), error);
    return {};
}

std::unique_ptr<ss_merge> Dataplane::merge(std::uint32_t flow) const {
    auto value = std::make_unique<ss_merge>();
    const auto* map = skeleton_->maps.ss_merges;
    if (bpf_map__lookup_elem(map, &flow, sizeof flow, value.get(), sizeof *value, 0) != 0) return nullptr;
    return value;
}

Result<void> Dataplane::set_merge(std::uint32_t flow, std::uint32_t words, std::uint64_t reset_ns) {
    if (const auto known = merge(flow); known && known->window.words == words && known->window.reset_ns == reset_ns)
        return {};
    const auto fresh = std::make_unique<ss_merge>();
    fresh->window.words = words;
    fresh->window.reset_ns = reset_ns;
    return put(skeleton_->maps.ss_merges, flow, *fresh, fmt::format("the window of flow {}", flow));
}

void Dataplane::prune_merges(const std::set<std::uint32_t>& kept) {
    const auto* map = skeleton_->maps.ss_merges;
    for (const auto flow : keys_of<std::uint32_t>(map)) {
        if (!kept.contains(flow)) (void)bpf_map__delete_elem(map, &flow, sizeof flow, 0);
    }
}

ss_candidate_stats Dataplane::stats(std::uint32_t index) const {
    ss_candidate_stats sum{};
    for (const auto& value : per_cpu<ss_candidate_stats>(skeleton_->maps.ss_stats, index)) {
        sum.packets += value.packets;
        sum.bytes += value.bytes;
        sum.last_ns = std::max(sum.last_ns, value.last_ns);
        for (std::size_t i = 0; i < SS_DROP_COUNT; ++i) sum.drops[i] += value.drops[i];
    }
    return sum;
}

void Dataplane::clear_stats(std::uint32_t index) {
    const std::vector<ss_candidate_stats> zeros(static_cast<std::size_t>(std::max(1, libbpf_num_possible_cpus())));
    (void)bpf_map__update_elem(skeleton_->maps.ss_stats, &index, sizeof index, zeros.data(),
                               zeros.size() * sizeof(ss_candidate_stats), BPF_ANY);
}

std::array<std::uint64_t, SS_COUNTERS> Dataplane::counters() const {
    std::array<std::uint64_t, SS_COUNTERS> sums{};
    for (std::uint32_t i = 0; i < SS_COUNTERS; ++i) {
        for (const auto value : per_cpu<std::uint64_t>(skeleton_->maps.ss_counts, i)) sums.at(i) += value;
    }
    return sums;
}

int Dataplane::ingress_program() const {
    return bpf_program__fd(skeleton_->progs.ss_ingress);
}
int Dataplane::egress_program() const {
    return bpf_program__fd(skeleton_->progs.ss_egress);
}
int Dataplane::xdp_program() const {
    return bpf_program__fd(skeleton_->progs.ss_ingress_xdp);
}
int Dataplane::device_program() const {
    return bpf_program__fd(skeleton_->progs.ss_device);
}
int Dataplane::lwt_in_program() const {
    return bpf_program__fd(skeleton_->progs.ss_lwt_in);
}
int Dataplane::lwt_xmit_program() const {
    return bpf_program__fd(skeleton_->progs.ss_lwt_xmit);
}
int Dataplane::tick_program() const {
    return bpf_program__fd(skeleton_->progs.ss_tick);
}
int Dataplane::events_fd() const {
    return bpf_map__fd(skeleton_->maps.ss_events);
}

void Dataplane::consume_events(const EventHandlers& handlers) {
    if (ring_ == nullptr) {
        const auto deliver = [](void* context, void* data, std::size_t size) {
            const auto& to = static_cast<Dataplane*>(context)->handlers_;
            std::uint32_t type = 0;
            if (size < sizeof type) return 0;
            std::memcpy(&type, data, sizeof type);
            if (type == SS_EVENT_ICMP_ERROR) {
                pass_on(data, size, to.icmp_error);
            } else {
                pass_on(data, size, to.verdict);
            }
            return 0;
        };
        ring_ = ring_buffer__new(events_fd(), deliver, this, nullptr);
        if (ring_ == nullptr) return;
    }
    handlers_ = handlers;
    ring_buffer__consume(ring_);
}

}  // namespace sidestep
