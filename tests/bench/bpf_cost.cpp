// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tests/bench/bpf_cost.hpp"

#include <net/if.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <ctime>
#include <fstream>

#include "detector/kernel/tc_hook.hpp"
#include "topo/clock.hpp"

namespace sidestep::bench {
namespace {

constexpr const char* kClockInterface = "ss-clock1";

/// The program of ours at the ingress of an interface of this namespace.
Result<Fd> attached(const std::string& interface) {
    const auto ifindex = static_cast<int>(::if_nametoindex(interface.c_str()));
    if (auto program = tcx_program(ifindex, TcSide::ingress)) return program;
    bpf_tc_hook hook{};
    hook.sz = sizeof hook;
    hook.ifindex = ifindex;
    hook.attach_point = BPF_TC_INGRESS;
    bpf_tc_opts options{};
    options.sz = sizeof options;
    options.handle = kFilterHandle;
    options.priority = kFilterPriority;
    if (const int error = bpf_tc_query(&hook, &options); error < 0)
        return fail_errno("no Sidestep program on " + interface, error);
    Fd program(bpf_prog_get_fd_by_id(options.prog_id));
    if (!program) return fail_errno("BPF program of " + interface);
    return program;
}

/// The map of this name among those that a program uses.
Result<Fd> map_of(int program, const std::string& name) {
    std::vector<std::uint32_t> ids(64);
    bpf_prog_info info{};
    std::uint32_t length = sizeof info;
    info.nr_map_ids = static_cast<std::uint32_t>(ids.size());
    info.map_ids = reinterpret_cast<std::uintptr_t>(ids.data());
    if (bpf_obj_get_info_by_fd(program, &info, &length) != 0) return fail_errno("BPF program");
    ids.resize(std::min<std::size_t>(ids.size(), info.nr_map_ids));
    for (const auto id : ids) {
        Fd map(bpf_map_get_fd_by_id(id));
        bpf_map_info about{};
        length = sizeof about;
        if (map && bpf_obj_get_info_by_fd(map.get(), &about, &length) == 0 && about.name == name) return map;
    }
    return fail("the program uses no map " + name);
}

}  // namespace

Result<Fd> ingress_program(const topo::Lab& lab, const std::string& node, const std::string& interface) {
    return lab.in(node, [&] { return attached(interface); });
}

Result<std::uint64_t> map_bytes(const topo::Lab& lab, const std::string& node, const std::string& interface,
                                const std::string& map) {
    const auto program = ingress_program(lab, node, interface);
    if (!program) return std::unexpected(program.error());
    const auto found = map_of(program->get(), map);
    if (!found) return std::unexpected(found.error());
    std::ifstream file("/proc/self/fdinfo/" + std::to_string(found->get()));
    std::string key;
    std::uint64_t value = 0;
    while (file >> key) {
        if (key == "memlock:" && file >> value) return value;
    }
    return fail("the kernel does not say how much memory map " + map + " takes");
}

Result<std::int64_t> process_cpu_ns(pid_t pid) {
    clockid_t clock = 0;
    timespec time{};
    if (const int error = ::clock_getcpuclockid(pid, &clock); error != 0) return fail_errno("processor time", error);
    if (::clock_gettime(clock, &time) != 0) return fail_errno("processor time");
    return topo::in_ns(time);
}

Result<BpfCost> BpfCost::open(const topo::Lab& lab, const std::string& node, const std::string& interface) {
    BpfCost cost;
    for (const auto& name : {std::string(kClockInterface), interface}) {
        auto program = lab.in(node, [&] { return attached(name); });
        if (!program) return std::unexpected(program.error());
        cost.programs_.push_back(std::move(*program));
    }
    cost.statistics_ = Fd(bpf_enable_stats(BPF_STATS_RUN_TIME));
    if (!cost.statistics_) return fail_errno("cannot count the run time of BPF programs");
    auto begin = cost.totals();
    if (!begin) return std::unexpected(begin.error());
    cost.begin_ = std::move(*begin);
    return cost;
}

Result<std::vector<BpfCost::Program>> BpfCost::totals() const {
    std::vector<Program> totals;
    for (const auto& program : programs_) {
        bpf_prog_info info{};
        std::uint32_t length = sizeof info;
        if (bpf_obj_get_info_by_fd(program.get(), &info, &length) != 0) return fail_errno("BPF program");
        totals.push_back({.name = info.name, .run_ns = info.run_time_ns, .runs = info.run_cnt});
    }
    return totals;
}

Result<std::vector<BpfCost::Program>> BpfCost::read() const {
    auto now = totals();
    if (!now) return now;
    for (std::size_t i = 0; i < now->size(); ++i) {
        (*now)[i].run_ns -= begin_[i].run_ns;
        (*now)[i].runs -= begin_[i].runs;
    }
    return now;
}

}  // namespace sidestep::bench
