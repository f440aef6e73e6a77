// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Looks whether our programs are where we attached them, and attaches them again.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "detector/app/attachments.hpp"
#include "detector/kernel/own_program.hpp"
#include "detector/kernel/seen_programs.hpp"
#include "detector/kernel/xdp_hook.hpp"

namespace sidestep {
namespace {

std::string at_tc(const Entrance& entrance) {
    return "the program at tc ingress of " + entrance.name;
}
std::string at_egress(const Exit& exit) {
    return "the program at tc egress of " + exit.name;
}
std::string at_xdp(const Entrance& entrance) {
    return "the program at XDP of " + entrance.name;
}

}  // namespace

std::vector<Finding> Attachments::look() {
    std::vector<Finding> found;
    if (!rtnl_) {
        auto opened = Rtnl::open();
        if (!opened) return found;
        rtnl_ = std::move(*opened);
    }
    for (const auto& entrance : entrances_) {
        if (entrance.ifindex == 0) continue;
        if (entrance.tc)
            found.push_back(find_program(at_tc(entrance),
                                         seen_programs(*rtnl_, entrance.ifindex, TcSide::ingress, kind_),
                                         program_id(program_for(entrance).value_or(-1))));
        if (entrance.xdp) {
            const bool there = xdp_present(entrance.ifindex) == program_id(dataplane_.xdp_program());
            found.push_back({.thing = at_xdp(entrance), .fault = there ? "" : "is gone"});
        }
    }
    for (const auto& exit : exits_) {
        if (exit.ifindex == 0 || !exit.tc) continue;
        found.push_back(find_program(at_egress(exit), seen_programs(*rtnl_, exit.ifindex, TcSide::egress, kind_),
                                     program_id(dataplane_.egress_program())));
    }
    return found;
}

std::optional<Result<void>> Attachments::mend(const std::string& thing) {
    for (auto& exit : exits_) {
        if (thing != at_egress(exit)) continue;
        exit.tc.reset();
        place_exits();
        return exit.problem.empty() ? Result<void>() : fail(exit.problem);
    }
    for (auto& entrance : entrances_) {
        if (thing != at_tc(entrance) && thing != at_xdp(entrance)) continue;
        if (thing == at_tc(entrance)) {
            entrance.tc.reset();
        } else {
            entrance.xdp = false;
            interfaces_[entrance.name].xdp_program = xdp_present(entrance.ifindex);
        }
        place_all();
        return entrance.problem.empty() ? Result<void>() : fail(entrance.problem);
    }
    return std::nullopt;
}

ProblemTexts Attachments::problems() const {
    ProblemTexts all;
    for (const auto& entrance : entrances_) {
        const auto about = "interface " + entrance.name;
        if (entrance.ifindex == 0) all[about] = "does not exist: its program is attached when it appears";
        if (!entrance.problem.empty()) all[about] = entrance.problem;
    }
    for (const auto& exit : exits_) {
        if (!exit.problem.empty()) all["interface " + exit.name + " at egress"] = exit.problem;
    }
    return all;
}

}  // namespace sidestep
