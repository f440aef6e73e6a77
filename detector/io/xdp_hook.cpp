// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/io/xdp_hook.hpp"

#include <linux/if_link.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <string_view>

#include "bpf/model/fd.hpp"

namespace sidestep {
namespace {

struct Present {
    Fd program;
    bool any = false;  ///< whoever's
    bool ours = false;
};

Present look(int ifindex) {
    Present present;
    bpf_xdp_query_opts options{};
    options.sz = sizeof options;
    if (bpf_xdp_query(ifindex, 0, &options) != 0 || options.attach_mode == XDP_ATTACHED_NONE) return present;
    present.any = true;
    present.program = Fd(bpf_prog_get_fd_by_id(options.drv_prog_id));
    bpf_prog_info info{};
    std::uint32_t length = sizeof info;
    present.ours = present.program && bpf_obj_get_info_by_fd(present.program.get(), &info, &length) == 0 &&
                   std::string_view(info.name).starts_with("ss_");
    return present;
}

/// In the place of what is there, which must not have changed meanwhile.
int change(int ifindex, int program_fd, const Present& present) {
    bpf_xdp_attach_opts options{};
    options.sz = sizeof options;
    std::uint32_t flags = XDP_FLAGS_DRV_MODE;
    if (present.ours) {
        flags |= XDP_FLAGS_REPLACE;
        options.old_prog_fd = present.program.get();
    } else {
        flags |= XDP_FLAGS_UPDATE_IF_NOEXIST;
    }
    return bpf_xdp_attach(ifindex, program_fd, flags, &options);
}

}  // namespace

Result<void> xdp_attach(int ifindex, int program_fd) {
    const auto present = look(ifindex);
    if (present.any && !present.ours) return fail("another program is at its XDP");
    const int error = change(ifindex, program_fd, present);
    if (error == -EOPNOTSUPP) return fail("its driver has no XDP");
    if (error != 0) return fail_errno("XDP", error);
    return {};
}

bool xdp_attached(int ifindex) {
    return look(ifindex).ours;
}

void xdp_detach(int ifindex) {
    const auto present = look(ifindex);
    if (present.ours) (void)change(ifindex, -1, present);
}

}  // namespace sidestep
