// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Where GSO packets of hitless policies become packets that can be numbered one by one: a veth pair that takes
// single segments.
// What our programs send into ss-split0 leaves that in segments, and at ss-split1 they are replicated.
#pragma once

#include <string>
#include <string_view>

#include "common/error.hpp"
#include "detector/kernel/rtnl.hpp"
#include "detector/kernel/tc_hook.hpp"

namespace sidestep {

/// The prefix of its interface names.
inline constexpr std::string_view kSplitPrefix = "ss-split";

/// Makes the splitter, or takes over a predecessor's, with this program behind it. Returns
/// splitter_entry().
Result<unsigned> make_splitter(int program, TcKind kind);
/// The interface that GSO packets are sent to; 0: it is gone.
unsigned splitter_entry();
/// The interface where segments come out; 0: it is gone.
int splitter_exit();
/// What has happened to it since, apart from its program; empty if it is as it was made.
std::string splitter_fault(Rtnl& rtnl);
/// Removes the splitter of this network namespace, no matter who made it.
void remove_splitter();

}  // namespace sidestep
