// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/kernel/xdp_hook.hpp"

#include <linux/if_link.h>

#include <bpf/libbpf.h>

#include "detector/kernel/own_program.hpp"

namespace sidestep {
namespace {

/// Attaches in place of `before` (-1: nothing), if that is what is attached.
int change(int ifindex, int program_fd, int before) {
    bpf_xdp_attach_opts options{};
    options.sz = sizeof options;
    options.old_prog_fd = before;
    const std::uint32_t condition = before >= 0 ? XDP_FLAGS_REPLACE : XDP_FLAGS_UPDATE_IF_NOEXIST;
    return bpf_xdp_attach(ifindex, program_fd, XDP_FLAGS_DRV_MODE | condition, before >= 0 ? &options : nullptr);
}

}  // namespace

Result<void> xdp_attach(int ifindex, int program_fd, std::uint32_t present) {
    const auto ours = present == 0 ? Fd() : own_program(present);
    if (present != 0 && !ours) return fail("another XDP program is attached");
    const int error = change(ifindex, program_fd, ours ? ours.get() : -1);
    if (error == -EOPNOTSUPP) return fail("the driver has no XDP");
    if (error != 0) return fail_errno("XDP", error);
    return {};
}

void xdp_detach(int ifindex, int program_fd) {
    if (program_fd >= 0) (void)change(ifindex, -1, program_fd);
}

std::uint32_t xdp_present(int ifindex) {
    std::uint32_t id = 0;
    return bpf_xdp_query_id(ifindex, 0, &id) == 0 ? id : 0;
}

}  // namespace sidestep
