// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Loads, pins and adopts the programs and maps with libbpf.
#include <linux/pkt_cls.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <random>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "bpf/sidestep.skel.h"
#include "detector/kernel/dataplane.hpp"

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
               "CAP_NET_ADMIN, CAP_NET_RAW, CAP_PERFMON and CAP_SYS_ADMIN";
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
std::array<bpf_map*, 13> session_half(sidestep_bpf& skeleton) {
    auto& maps = skeleton.maps;
    return {maps.ss_states,
            maps.ss_repair_states,
            maps.ss_sessions,
            maps.ss_plans,
            maps.ss_clock_confs,
            maps.ss_clocks,
            maps.ss_secrets,
            maps.ss_counts,
            maps.ss_events,
            maps.ss_passives,
            maps.ss_merges,
            maps.ss_senders,
            maps.ss_reflected_sessions};
}

/// What this node writes to packets that it has dealt with: never 0, the same in its successors, and another one in most
/// other nodes.
std::uint16_t settled_mark(const std::string& pin_directory) {
    return static_cast<std::uint16_t>(1 + std::hash<std::string>{}(pin_directory) % 0xffff);
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
    skeleton_->rodata->ss_settled = settled_mark(pin_directory);
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
    bpf_map__set_max_entries(maps.ss_exits, std::max(sizes.xdp_interfaces, 1U));
    bpf_map__set_max_entries(maps.ss_copies, sizes.candidates);
    for (auto* program : {skeleton_->progs.ss_ingress_xdp, skeleton_->progs.ss_exit_xdp})
        bpf_program__set_autoload(program, sizes.xdp_interfaces != 0);
    bpf_program__set_autoload(skeleton_->progs.ss_ingress_bare, false);
    skeleton_->rodata->ss_instance = std::random_device{}();
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

Result<int> Dataplane::bare_ingress_program() {
    if (bare_ != nullptr) return bpf_program__fd(bare_->progs.ss_ingress_bare);
    std::unique_ptr<sidestep_bpf, decltype(&sidestep_bpf__destroy)> opened(sidestep_bpf__open(), sidestep_bpf__destroy);
    if (opened == nullptr) return fail_errno("cannot open the BPF programs");
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, opened->obj) bpf_program__set_autoload(program, false);
    bpf_program__set_autoload(opened->progs.ss_ingress_bare, true);
    // .rodata as well: it is frozen, so the verifier knows what is in it.
    bpf_map* map = nullptr;
    bpf_object__for_each_map(map, opened->obj) {
        const auto* ours = bpf_object__find_map_by_name(skeleton_->obj, bpf_map__name(map));
        if (const int result = bpf_map__reuse_fd(map, bpf_map__fd(ours)); result < 0)
            return fail_errno(fmt::format("cannot share the map {}", bpf_map__name(map)), result);
    }
    if (const int result = sidestep_bpf__load(opened.get()); result < 0) return fail(explain_load_failure(result));
    bare_ = opened.release();
    return bpf_program__fd(bare_->progs.ss_ingress_bare);
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
    show(senders, maps.ss_senders);
    show(reflector_sets, maps.ss_reflector_sets);
    show(strays, maps.ss_strays);
    return outcome;
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

}  // namespace sidestep
