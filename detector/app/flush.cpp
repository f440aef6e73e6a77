// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Implements `sidestepd --flush`: removes what a dead detector left running.
#include <filesystem>
#include <vector>

#include <fmt/format.h>

#include "detector/app/attachments.hpp"
#include "detector/app/daemon.hpp"
#include "detector/app/installation.hpp"
#include "detector/clock/clock.hpp"
#include "detector/kernel/dataplane.hpp"
#include "detector/kernel/netlink.hpp"
#include "detector/kernel/node_lock.hpp"

namespace sidestep {

Result<void> flush(const std::string& node, const DaemonOptions& options) {
    const auto lock = lock_namespace();
    if (!lock) return std::unexpected(lock.error());
    auto interfaces = Netlink::open({
        .link = detach_ours,
        .neighbor = [](const NeighborChange&) {},
        .address = [](const AddressChange&) {},
    });
    if (!interfaces) return std::unexpected(interfaces.error());
    if (auto dumped = (*interfaces)->dump(); !dumped) return dumped;
    if (auto removed = remove_installed(); !removed) return removed;
    remove_kernel_clock();
    const auto bpffs = options.run_directory + "/bpf";
    std::error_code error;
    std::vector<std::filesystem::path> pinned;
    for (const auto& entry : std::filesystem::directory_iterator(bpffs, error)) {
        if (entry.is_directory() && (node.empty() || entry.path().filename() == node)) pinned.push_back(entry.path());
    }
    if (pinned.size() > 1) {
        return fail("several nodes have pins in " + bpffs + "; select one with --config FILE");
    }
    for (const auto& directory : pinned) {
        std::filesystem::remove_all(directory, error);
        for (const char* ending : {".sock", ".state", ".clients"}) {
            std::filesystem::remove(
                fmt::format("{}/{}{}", options.run_directory, directory.filename().string(), ending), error);
        }
    }
    unmount_bpffs(bpffs);
    return {};
}

}  // namespace sidestep
