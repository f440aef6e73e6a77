// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Attaches with libbpf's tc calls, and counts other programs' filters with libnl.
#include "detector/kernel/tc_hook.hpp"

#include <netlink/cache.h>
#include <netlink/netlink.h>
#include <netlink/route/classifier.h>

#include <bpf/libbpf.h>

#include <memory>

#include <fmt/format.h>

#include "detector/kernel/own_program.hpp"

namespace sidestep {
namespace {

bpf_tc_hook hook_of(int ifindex, TcSide side) {
    bpf_tc_hook hook{};
    hook.sz = sizeof hook;
    hook.ifindex = ifindex;
    hook.attach_point = side == TcSide::ingress ? BPF_TC_INGRESS : BPF_TC_EGRESS;
    return hook;
}

bpf_tc_opts our_place(unsigned handle) {
    bpf_tc_opts options{};
    options.sz = sizeof options;
    options.handle = handle;
    options.priority = kFilterPriority;
    return options;
}

/// Filters on both sides of the clsact of an interface; -1 if they cannot be counted.
int count_filters(int ifindex) {
    const std::unique_ptr<nl_sock, decltype(&nl_socket_free)> socket(nl_socket_alloc(), nl_socket_free);
    if (!socket || nl_connect(socket.get(), NETLINK_ROUTE) < 0) return -1;
    int count = 0;
    for (const std::uint32_t side : {TC_H_MIN_INGRESS, TC_H_MIN_EGRESS}) {
        nl_cache* cache = nullptr;
        if (rtnl_cls_alloc_cache(socket.get(), ifindex, TC_H_MAKE(TC_H_CLSACT, side), &cache) < 0) return -1;
        count += nl_cache_nitems(cache);
        nl_cache_free(cache);
    }
    return count;
}

}  // namespace

TcKind best_tc_kind() {
    return tcx_available() ? TcKind::tcx : TcKind::clsact;
}

Result<TcHook> TcHook::attach(const std::string& interface, int ifindex, int program_fd, TcKind kind, TcSide side) {
    if (kind == TcKind::clsact) {
        auto hook = attach_clsact(interface, ifindex, program_fd, side);
        if (hook) tcx_detach(ifindex, side);
        return hook;
    }
    if (auto attached = tcx_attach(ifindex, side, program_fd); !attached) {
        return fail(fmt::format("cannot attach to {}: {}", interface, attached.error().message));
    }
    if (const auto before = find_clsact(interface, ifindex, side)) before->detach();
    return TcHook(interface, ifindex, side, TcKind::tcx);
}

Result<TcHook> TcHook::attach_clsact(const std::string& interface, int ifindex, int program_fd, TcSide side) {
    const auto before = find_clsact(interface, ifindex, side);
    auto hook = hook_of(ifindex, side);
    const auto* where = side == TcSide::ingress ? "ingress" : "egress";
    const int created = bpf_tc_hook_create(&hook);
    if (created < 0 && created != -EEXIST) {
        return fail_errno("cannot create the clsact qdisc on " + interface, created);
    }
    const unsigned handle = created == 0 ? kFilterHandle : before ? before->handle_ : kFilterHandleOfGuest;
    TcHook result(interface, ifindex, side, TcKind::clsact, handle);
    auto options = our_place(handle);
    options.prog_fd = program_fd;
    options.flags = BPF_TC_F_REPLACE;
    if (const int error = bpf_tc_attach(&hook, &options); error < 0) {
        if (created == 0) result.detach();
        if (error == -EINVAL) {
            return fail(
                fmt::format("cannot attach to the {} of {}: another filter has priority {} there; give that filter "
                            "another priority",
                            where, interface, kFilterPriority));
        }
        return fail_errno(fmt::format("cannot attach to the {} of {}", where, interface), error);
    }
    return result;
}

std::optional<TcHook> TcHook::find(const std::string& interface, int ifindex, TcSide side) {
    if (tcx_program(ifindex, side)) return TcHook(interface, ifindex, side, TcKind::tcx);
    return find_clsact(interface, ifindex, side);
}

std::optional<TcHook> TcHook::find_clsact(const std::string& interface, int ifindex, TcSide side) {
    auto hook = hook_of(ifindex, side);
    for (const unsigned handle : {kFilterHandle, kFilterHandleOfGuest}) {
        auto options = our_place(handle);
        const bool present = bpf_tc_query(&hook, &options) == 0;
        if (present && own_program(options.prog_id)) return TcHook(interface, ifindex, side, TcKind::clsact, handle);
    }
    return std::nullopt;  // nothing, or somebody else's
}

void TcHook::detach() const {
    if (kind_ == TcKind::tcx) {
        tcx_detach(ifindex_, side_);
    } else {
        detach_clsact();
    }
}

void TcHook::detach_clsact() const {
    auto hook = hook_of(ifindex_, side_);
    auto options = our_place(handle_);
    (void)bpf_tc_detach(&hook, &options);
    if (handle_ != kFilterHandle || count_filters(ifindex_) != 0) return;
    hook.attach_point = static_cast<bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS);
    bpf_tc_hook_destroy(&hook);
}

}  // namespace sidestep
