// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The messages in a datagram of netlink. NLMSG_NEXT() takes the padding of the last one off, too, which need not be
// there: what is left is then below zero.
#pragma once

#include <linux/netlink.h>

#include <algorithm>
#include <span>

namespace sidestep {

/// Calls `each` for every message that is whole; the rest of the datagram is ignored from the first that is not.
template <typename Each>
void for_each_message(std::span<char> datagram, Each each) {
    while (datagram.size() >= sizeof(nlmsghdr)) {
        auto* const header = reinterpret_cast<nlmsghdr*>(datagram.data());
        const std::size_t length = header->nlmsg_len;
        if (length < sizeof(nlmsghdr) || length > datagram.size()) return;
        each(header);
        datagram = datagram.subspan(std::min<std::size_t>(NLMSG_ALIGN(length), datagram.size()));
    }
}

}  // namespace sidestep
