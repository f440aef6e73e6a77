// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "topo/filter.hpp"

namespace sidestep::topo {
namespace {

constexpr std::uint32_t kFirstToBeAsked = 1;  // tc priority

}  // namespace

Filter::~Filter() {
    if (options_.sz == 0) return;
    options_.flags = 0;
    options_.prog_fd = 0;
    options_.prog_id = 0;
    (void)netns_->run([&] { bpf_tc_detach(&hook_, &options_); });
}

Result<void> Filter::attach(const LinkEnd& end, bpf_tc_attach_point side, int program) {
    netns_ = end.netns;
    hook_ = {.sz = sizeof hook_, .ifindex = end.ifindex, .attach_point = side, .parent = 0};
    bpf_tc_opts options{};
    options.sz = sizeof options;
    options.prog_fd = program;
    options.priority = kFirstToBeAsked;
    return netns_->run([&]() -> Result<void> {
        const int created = bpf_tc_hook_create(&hook_);
        if (created != 0 && created != -EEXIST)
            return fail_errno("cannot create a clsact qdisc for a program of the lab", created);
        const int attached = bpf_tc_attach(&hook_, &options);
        if (attached != 0) return fail_errno("cannot attach a program of the lab", attached);
        options_ = options;
        return {};
    });
}

}  // namespace sidestep::topo
