// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Runs one packet through a loaded program (BPF_PROG_TEST_RUN).
#pragma once

#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf.h>

#include <cstdint>

#include "tests/bpf/packet.hpp"

namespace sidestep {

inline constexpr std::uint32_t kPass = ~0U;       // TC_ACT_UNSPEC
inline constexpr std::uint32_t kNotRun = 0xdead;  // no program returns this: the kernel refused to run it
inline constexpr std::uint32_t kLoopback = 1;
inline constexpr std::uint32_t kVethNear = 71;  // as in tests/bpf/veth_pair.hpp

/// The result of a program, and the packet afterwards.
struct RunResult {
    std::uint32_t code = 0;
    Bytes packet;
};

/// `context` is the packet's context for this type of program.
template <typename Context>
RunResult run_program(int program, const Bytes& packet, Context context) {
    RunResult result;
    result.packet.resize(4096);
    LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = packet.data(), .data_out = result.packet.data(),
                .data_size_in = static_cast<std::uint32_t>(packet.size()),
                .data_size_out = static_cast<std::uint32_t>(result.packet.size()), .ctx_in = &context,
                .ctx_size_in = sizeof context, .repeat = 1);
    if (bpf_prog_test_run_opts(program, &options) != 0) {
        result.code = kNotRun;
        result.packet.clear();
        return result;
    }
    result.code = options.retval;
    result.packet.resize(options.data_size_out);
    return result;
}

/// At tc: as it came in by the interface `ifindex` of this namespace, or is about to leave by it and came in by another.
inline RunResult run_program(int program, const Bytes& packet, std::uint32_t ifindex, std::uint32_t mark,
                             std::uint32_t came_in_by = 0) {
    __sk_buff context{};
    context.ifindex = ifindex;
    context.ingress_ifindex = came_in_by;
    context.mark = mark;
    return run_program(program, packet, context);
}

/// Runs at XDP, and returns the code that means the same at tc.
inline RunResult run_xdp_program(int program, const Bytes& packet, std::uint32_t ifindex) {
    xdp_md context{};
    context.data_end = static_cast<std::uint32_t>(packet.size());
    context.ingress_ifindex = ifindex;
    auto result = run_program(program, packet, context);
    switch (result.code) {
        case XDP_PASS:
            result.code = kPass;
            break;
        case XDP_DROP:
            result.code = TC_ACT_SHOT;
            break;
        case XDP_TX:
        case XDP_REDIRECT:
            result.code = TC_ACT_REDIRECT;
            break;
        default:
            break;
    }
    return result;
}

}  // namespace sidestep
