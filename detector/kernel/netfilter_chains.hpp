// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Finds netfilter's chains for forwarded packets. Packets that are repaired at ingress do not pass them.
#pragma once

#include <optional>
#include <string>
#include <vector>

struct nlmsghdr;

namespace sidestep {

/// "inet filter forward": the chain that a message of nf_tables is about, if forwarded packets pass it and it does something:
/// has rules, or drops all. nullopt if not.
std::optional<std::string> read_forward_chain(nlmsghdr* header);

/// Of nf_tables, and the tables of iptables and ip6tables before it ("iptables filter"), which may have no rules. Without
/// netfilter there are none.
std::vector<std::string> forward_chains();

}  // namespace sidestep
