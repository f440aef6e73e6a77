// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/kernel/seen_programs.hpp"

#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "detector/kernel/own_program.hpp"
#include "detector/kernel/tcx.hpp"
#include "detector/kernel/xdp_hook.hpp"

namespace sidestep {
namespace {

constexpr unsigned kPriorityShift = 16;

std::uint32_t bpf_program_of(nlattr* options) {
    if (options == nullptr) return 0;
    const auto* id = nla_find(static_cast<nlattr*>(nla_data(options)), nla_len(options), TCA_BPF_ID);
    return id == nullptr ? 0 : nla_get_u32(id);
}

/// A filter, or nothing for the head of a chain.
std::optional<SeenPrograms::One> filter_of(nlmsghdr* header, unsigned priority) {
    auto* const kind = nlmsg_find_attr(header, sizeof(tcmsg), TCA_KIND);
    auto* const options = nlmsg_find_attr(header, sizeof(tcmsg), TCA_OPTIONS);
    if (kind == nullptr || static_cast<const tcmsg*>(nlmsg_data(header))->tcm_handle == 0) return std::nullopt;
    const auto id = bpf_program_of(options);
    if (id != 0) return SeenPrograms::One{.id = id, .name = program_name(id)};
    return SeenPrograms::One{.id = 0,
                             .name = fmt::format("a {} filter of priority {}", nla_get_string(kind), priority)};
}

std::vector<SeenPrograms::One> filters(Rtnl& rtnl, int ifindex, TcSide side) {
    std::vector<std::pair<unsigned, SeenPrograms::One>> found;
    tcmsg request{};
    request.tcm_family = AF_UNSPEC;
    request.tcm_ifindex = ifindex;
    request.tcm_parent = TC_H_MAKE(TC_H_CLSACT, side == TcSide::ingress ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS);
    // No qdisc is no filter.
    (void)rtnl.dump([&] { return rtnl_message(RTM_GETTFILTER, NLM_F_DUMP, request); },
                    [&](nlmsghdr* header) {
                        if (header->nlmsg_type != RTM_NEWTFILTER) return;
                        const auto priority = static_cast<const tcmsg*>(nlmsg_data(header))->tcm_info >> kPriorityShift;
                        if (auto filter = filter_of(header, priority)) found.emplace_back(priority, std::move(*filter));
                    });
    std::ranges::stable_sort(found, {}, [](const auto& one) { return one.first; });
    std::vector<SeenPrograms::One> result;
    for (auto& one : found) result.push_back(std::move(one.second));
    return result;
}

}  // namespace

SeenPrograms seen_programs(Rtnl& rtnl, int ifindex, TcSide side, TcKind kind) {
    SeenPrograms seen;
    if (side == TcSide::ingress) {
        const auto xdp = xdp_present(ifindex);
        if (xdp != 0 && !own_program(xdp)) seen.all.push_back({.id = xdp, .name = "at XDP, " + program_name(xdp)});
    }
    for (const auto id : tcx_programs(ifindex, side)) seen.all.push_back({.id = id, .name = program_name(id)});
    if (kind == TcKind::clsact) std::ranges::move(filters(rtnl, ifindex, side), std::back_inserter(seen.all));
    return seen;
}

}  // namespace sidestep
