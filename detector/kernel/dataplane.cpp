// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Loads, pins and adopts the programs and maps with libbpf.
#include "detector/kernel/dataplane.hpp"

#include <linux/magic.h>
#include <linux/pkt_cls.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "bpf/sidestep.skel.h"
#include "detector/kernel/rcu.hpp"

namespace sidestep {
namespace {

int log_libbpf(libbpf_print_level level, const char* format, va_list arguments) {
    std::array<char, 1024> line{};
    const int length = std::vsnprintf(line.data(), line.size(), format, arguments);
    if (length <= 0) return 0;
    std::string text(line.data(), std::min<std::size_t>(line.size() - 1, static_cast<std::size_t>(length)));
    while (!text.empty() && text.back() == '\n') text.pop_back();
    // It is normal that a clsact exists already, or does not exist.
    for (const auto* expected : {"Exclusivity flag on, cannot modify", "Parent Qdisc doesn't exists"}) {
        if (text.ends_with(expected)) level = LIBBPF_DEBUG;
    }
    spdlog::log(level == LIBBPF_WARN ? spdlog::level::debug : spdlog::level::trace, "libbpf: {}", text);
    return 0;
}

std::string explain_load_failure(int error) {
    if (error == -EPERM || error == -EACCES) {
        return "the kernel refused the BPF programs (permission denied): run as root, or give the process CAP_BPF, "
               "CAP_NET_ADMIN, CAP_NET_RAW and CAP_PERFMON";
    }
    if (error == -EINVAL || error == -ENOTSUP) {
        return fmt::format(
            "the kernel refused the BPF programs ({}): Sidestep needs Linux 6.1 or later with CONFIG_NET_CLS_BPF; "
            "--log-level debug prints the verifier's reason",
            std::strerror(-error));
    }
    return fmt::format("cannot load the BPF programs: {}", std::strerror(-error));
}

/// The maps that outlive a process.
std::array<bpf_map*, 10> session_half(sidestep_bpf& skeleton) {
    auto& maps = skeleton.maps;
    return {maps.ss_states, maps.ss_repair_states, maps.ss_sessions, maps.ss_plans,  maps.ss_clock_confs,
            maps.ss_clocks, maps.ss_secrets,       maps.ss_counts,   maps.ss_events, maps.ss_passives};
}

}  // namespace

Result<std::unique_ptr<Dataplane>> Dataplane::load(const std::string& pin_directory, const PolicySizes& sizes,
                                                   TcKind kind) {
    libbpf_set_print(log_libbpf);
    std::unique_ptr<Dataplane> dataplane(new Dataplane);
    auto loaded = dataplane->open(pin_directory, sizes, kind);
    if (loaded) loaded = dataplane->map_memory();
    if (loaded) return dataplane;
    const bool adopted = dataplane->adopted();
    dataplane.reset();  // its descriptors: to remove a directory takes some
    std::error_code ignored;
    if (!adopted) std::filesystem::remove_all(pin_directory, ignored);
    return std::unexpected(loaded.error());
}

Result<void> Dataplane::open(const std::string& pin_directory, const PolicySizes& sizes, TcKind kind) {
    namespace fs = std::filesystem;
    std::error_code error;
    pin_directory_ = pin_directory;
    // The layout's version is part of the path, so maps of another version are never taken for ours.
    const auto directory = fmt::format("{}/v{}", pin_directory, SS_ABI_VERSION);
    adopted_ = fs::exists(directory + "/ss_sessions", error);
    fs::create_directories(directory, error);
    if (error) return fail(fmt::format("cannot create {}: {}", directory, error.message()));

    skeleton_ = sidestep_bpf__open();
    if (skeleton_ == nullptr) return fail_errno("cannot open the BPF programs");
    if (kind == TcKind::tcx) skeleton_->rodata->ss_consumed = TC_ACT_SHOT;
    auto& maps = skeleton_->maps;
    bpf_map__set_max_entries(maps.ss_prefixes, 2 * sizes.cells);
    bpf_map__set_max_entries(maps.ss_filters, 2 * sizes.filter_words);
    bpf_map__set_max_entries(maps.ss_slots, 2 * sizes.slots);
    bpf_map__set_max_entries(maps.ss_policies, sizes.policies);
    bpf_map__set_max_entries(maps.ss_stats, kStatsPerSlot * sizes.counted);
    bpf_map__set_max_entries(maps.ss_candidates, sizes.candidates);
    bpf_map__set_max_entries(maps.ss_lists, sizes.lists);
    bpf_map__set_max_entries(maps.ss_sids, sizes.sids);
    bpf_map__set_max_entries(maps.ss_adjacencies, sizes.adjacencies);
    bpf_map__set_max_entries(maps.ss_xdp_interfaces, std::max(sizes.xdp_interfaces, 1U));
    bpf_program__set_autoload(skeleton_->progs.ss_ingress_xdp, sizes.xdp_interfaces != 0);
    for (auto* map : session_half(*skeleton_)) {
        bpf_map__set_pin_path(map, fmt::format("{}/{}", directory, bpf_map__name(map)).c_str());
    }
    if (const int result = sidestep_bpf__load(skeleton_); result < 0) return fail(explain_load_failure(result));
    // The programs that routes with `encap bpf` and `encap seg6local action End.BPF` refer to.
    for (auto* program : {skeleton_->progs.ss_lwt_in, skeleton_->progs.ss_lwt_xmit, skeleton_->progs.ss_endpoint}) {
        const auto path = fmt::format("{}/{}", pin_directory, bpf_program__name(program));
        fs::remove(path, error);
        if (const int result = bpf_program__pin(program, path.c_str()); result < 0) {
            return fail_errno("cannot pin " + path, result);
        }
    }
    return {};
}

Result<void> Dataplane::map_memory() {
    Result<void> outcome;
    const auto show = [&]<typename T>(std::span<T>& shown, bpf_map* map) {
        if (!outcome) return;
        auto mapped = SharedArray<T>::map(bpf_map__fd(map), bpf_map__name(map));
        if (!mapped) {
            outcome = std::unexpected(mapped.error());
            return;
        }
        auto& memory = std::get<SharedArray<T>>(memory_);
        memory = std::move(*mapped);
        shown = memory.all();
    };
    auto& maps = skeleton_->maps;
    counted_slots = bpf_map__max_entries(maps.ss_stats) / kStatsPerSlot;
    show(states, maps.ss_states);
    show(sessions, maps.ss_sessions);
    show(plans, maps.ss_plans);
    show(prefix_tables, maps.ss_prefix_tables);
    show(prefixes, maps.ss_prefixes);
    show(filters, maps.ss_filters);
    show(slots, maps.ss_slots);
    show(policies, maps.ss_policies);
    show(candidates, maps.ss_candidates);
    show(lists, maps.ss_lists);
    show(nodes, maps.ss_nodes);
    show(repair_states, maps.ss_repair_states);
    show(clock_confs, maps.ss_clock_confs);
    show(clocks, maps.ss_clocks);
    return outcome;
}

void Dataplane::wait_for_rcu_grace_period() const {
    sidestep::wait_for_rcu_grace_period();
}

Dataplane::~Dataplane() {
    if (ring_ != nullptr) ring_buffer__free(ring_);
    sidestep_bpf__destroy(skeleton_);
}

void Dataplane::unpin() const {
    std::error_code ignored;
    std::filesystem::remove_all(pin_directory_, ignored);
}

void Dataplane::unpin_other_layouts() const {
    std::error_code error;
    const auto ours = fmt::format("v{}", SS_ABI_VERSION);
    std::vector<std::filesystem::path> others;
    for (const auto& entry : std::filesystem::directory_iterator(pin_directory_, error)) {
        if (entry.is_directory() && entry.path().filename() != ours) others.push_back(entry.path());
    }
    for (const auto& other : others) {
        spdlog::info("removed the maps of another version ({})", other.filename().string());
        std::filesystem::remove_all(other, error);
    }
}

namespace {

ss_prefix to_key(const Prefix& prefix) {
    ss_prefix key{};
    key.length = prefix.length;
    std::copy(prefix.address.bytes.begin(), prefix.address.bytes.end(), key.address);
    return key;
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

}  // namespace

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

Result<void> Dataplane::set_xdp_interface(int ifindex, const ss_xdp_interface& port) {
    return put(skeleton_->maps.ss_xdp_interfaces, static_cast<__u32>(ifindex), port,
               fmt::format("interface {}", ifindex));
}

void Dataplane::remove_xdp_interface(int ifindex) {
    const auto key = static_cast<__u32>(ifindex);
    (void)bpf_map__delete_elem(skeleton_->maps.ss_xdp_interfaces, &key, sizeof key, 0);
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

void Dataplane::prune_passives(const std::function<bool(std::uint32_t session, const Address& source)>& keep) {
    const auto* map = skeleton_->maps.ss_passives;
    std::vector<ss_passive_key> stale;
    ss_passive_key key{};
    for (int end = bpf_map__get_next_key(map, nullptr, &key, sizeof key); end == 0;) {
        std::uint32_t session = 0;
        Address source;
        std::copy(std::begin(key.source), std::end(key.source), source.bytes.begin());
        if (bpf_map__lookup_elem(map, &key, sizeof key, &session, sizeof session, 0) == 0 && !keep(session, source)) {
            stale.push_back(key);
        }
        const auto previous = key;
        end = bpf_map__get_next_key(map, &previous, &key, sizeof key);
    }
    for (const auto& gone : stale) (void)bpf_map__delete_elem(map, &gone, sizeof gone, 0);
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

void Dataplane::consume_events(const std::function<void(const ss_event&)>& handle) {
    if (ring_ == nullptr) {
        const auto deliver = [](void* context, void* data, std::size_t size) {
            ss_event event{};
            if (size < sizeof event) return 0;
            std::memcpy(&event, data, sizeof event);
            static_cast<Dataplane*>(context)->handle_(event);
            return 0;
        };
        ring_ = ring_buffer__new(events_fd(), deliver, this, nullptr);
        if (ring_ == nullptr) return;
    }
    handle_ = handle;
    ring_buffer__consume(ring_);
}

Result<void> mount_bpffs(const std::string& directory) {
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    struct statfs info {};
    if (statfs(directory.c_str(), &info) != 0) return fail_errno(directory);
    if (info.f_type == BPF_FS_MAGIC) return {};
    if (mount("bpf", directory.c_str(), "bpf", 0, "mode=0700") != 0) {
        const auto failure = fail_errno("cannot mount a bpffs at " + directory + " (run as root)");
        std::filesystem::remove(directory, error);
        return failure;
    }
    return {};
}

void unmount_bpffs(const std::string& directory) {
    std::error_code error;
    struct statfs info {};
    if (statfs(directory.c_str(), &info) != 0 || info.f_type != BPF_FS_MAGIC) return;
    // Nodes pin in folders of their own; the kernel has files next to them.
    for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
        if (entry.is_directory()) return;
    }
    if (umount2(directory.c_str(), MNT_DETACH) == 0) std::filesystem::remove(directory, error);
}

}  // namespace sidestep
