// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/kernel/privilege.hpp"

#include <linux/capability.h>
#include <sys/syscall.h>

#include <array>
#include <string>
#include <utility>

#include <unistd.h>

namespace sidestep {
namespace {

// Programs at an interface are found by number, which takes CAP_SYS_ADMIN: without, those of a predecessor, and our own
// at the end, would stay and take packets.
constexpr std::array<std::pair<int, const char*>, 5> kNeeded{{{CAP_NET_ADMIN, "CAP_NET_ADMIN"},
                                                              {CAP_NET_RAW, "CAP_NET_RAW"},
                                                              {CAP_BPF, "CAP_BPF"},
                                                              {CAP_PERFMON, "CAP_PERFMON"},
                                                              {CAP_SYS_ADMIN, "CAP_SYS_ADMIN"}}};

}  // namespace

Result<void> check_privilege() {
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
    if (syscall(SYS_capget, &header, sets.data()) != 0) return fail_errno("cannot read the process's capabilities");
    std::string missing;
    for (const auto& [capability, name] : kNeeded) {
        const bool have = (sets.at(CAP_TO_INDEX(capability)).effective & CAP_TO_MASK(capability)) != 0;
        if (!have) missing += std::string(missing.empty() ? "" : ", ") + name;
    }
    if (missing.empty()) return {};
    return fail("missing privilege to load, attach and find BPF programs: run as root, or give the process " + missing);
}

}  // namespace sidestep
