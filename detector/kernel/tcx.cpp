// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Calls bpf(2) directly, with the numbers of Linux 6.6's linux/bpf.h, because Debian 12's libbpf and headers lack tcx.
#include "detector/kernel/tcx.hpp"

#include <linux/bpf.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include <unistd.h>

#include "detector/kernel/own_program.hpp"

namespace sidestep {
namespace {

constexpr std::uint32_t kTcxIngress = 46;    // BPF_TCX_INGRESS
constexpr std::uint32_t kTcxEgress = 47;     // BPF_TCX_EGRESS
constexpr std::uint32_t kReplace = 1U << 2;  // BPF_F_REPLACE
constexpr std::uint32_t kBefore = 1U << 3;   // BPF_F_BEFORE; without another program: before all
constexpr std::uint32_t kMostPrograms = 64;  // the kernel's limit for one interface and side
constexpr std::uint32_t kLoopbackIndex = 1;

std::uint32_t type_of(TcSide side) {
    return side == TcSide::ingress ? kTcxIngress : kTcxEgress;
}

long call(bpf_cmd command, bpf_attr& attributes) {
    return syscall(SYS_bpf, command, &attributes, sizeof attributes);
}

struct Attached {
    std::array<std::uint32_t, kMostPrograms> ids{};
    std::uint32_t count = 0;
};

/// Negative if the query fails.
int query(int ifindex, TcSide side, Attached& attached) {
    bpf_attr attributes;
    std::memset(&attributes, 0, sizeof attributes);
    attributes.query.target_fd = static_cast<std::uint32_t>(ifindex);
    attributes.query.attach_type = type_of(side);
    attributes.query.prog_ids = reinterpret_cast<std::uintptr_t>(attached.ids.data());
    attributes.query.prog_cnt = kMostPrograms;
    if (call(BPF_PROG_QUERY, attributes) != 0) return -errno;
    attached.count = attributes.query.prog_cnt;
    return 0;
}

void detach(int ifindex, TcSide side, int program_fd) {
    bpf_attr attributes;
    std::memset(&attributes, 0, sizeof attributes);
    attributes.target_fd = static_cast<std::uint32_t>(ifindex);
    attributes.attach_bpf_fd = static_cast<std::uint32_t>(program_fd);
    attributes.attach_type = type_of(side);
    (void)call(BPF_PROG_DETACH, attributes);
}

}  // namespace

bool tcx_available() {
    Attached attached;
    return query(kLoopbackIndex, TcSide::ingress, attached) == 0;
}

std::vector<std::uint32_t> tcx_programs(int ifindex, TcSide side) {
    Attached attached;
    if (query(ifindex, side, attached) < 0) return {};
    const auto count = std::min<std::size_t>(attached.count, kMostPrograms);
    return {attached.ids.begin(), attached.ids.begin() + static_cast<std::ptrdiff_t>(count)};
}

Fd tcx_program(int ifindex, TcSide side) {
    for (const auto id : tcx_programs(ifindex, side)) {
        if (auto program = own_program(id)) return program;
    }
    return {};
}

Result<void> tcx_attach(int ifindex, TcSide side, int program_fd) {
    const auto present = tcx_programs(ifindex, side);
    const auto before = tcx_program(ifindex, side);
    const bool first = before && program_id(before.get()) == present.front();
    bpf_attr attributes;
    std::memset(&attributes, 0, sizeof attributes);
    attributes.target_fd = static_cast<std::uint32_t>(ifindex);
    attributes.attach_bpf_fd = static_cast<std::uint32_t>(program_fd);
    attributes.attach_type = type_of(side);
    attributes.attach_flags = kBefore;
    if (first) {
        attributes.attach_flags = kReplace;
        attributes.replace_bpf_fd = static_cast<std::uint32_t>(before.get());
    }
    if (call(BPF_PROG_ATTACH, attributes) != 0) return errno == EEXIST ? Result<void>() : fail_errno("tcx");
    if (before && !first) detach(ifindex, side, before.get());  // a packet may have met both, but never none
    return {};
}

void tcx_detach(int ifindex, TcSide side) {
    if (const auto program = tcx_program(ifindex, side)) detach(ifindex, side, program.get());
}

}  // namespace sidestep
