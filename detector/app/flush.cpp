// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Implements `sidestepd --flush`: removes what a dead detector left running.
#include <bpf/libbpf.h>

#include <filesystem>
#include <optional>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/run_directory.hpp"
#include "detector/app/api_socket.hpp"
#include "detector/app/attachments.hpp"
#include "detector/app/daemon.hpp"
#include "detector/app/installation.hpp"
#include "detector/clock/clock.hpp"
#include "detector/kernel/bpffs.hpp"
#include "detector/kernel/netlink.hpp"
#include "detector/kernel/node_lock.hpp"
#include "detector/kernel/own_program.hpp"
#include "detector/kernel/policy_device.hpp"
#include "detector/kernel/privilege.hpp"
#include "detector/kernel/routes.hpp"
#include "detector/kernel/splitter.hpp"
#include "detector/kernel/tc_hook.hpp"

namespace sidestep {
namespace {

namespace fs = std::filesystem;

/// What a node left in the run directory, with its lock: nobody starts there meanwhile.
struct Leftover {
    NodePaths paths;
    LockFile lock;
};

bool left_something(const NodePaths& paths) {
    std::error_code error;
    return fs::exists(paths.pins, error) || fs::exists(paths.socket, error) || fs::exists(paths.state, error);
}

/// nullopt: there is nothing to remove. Fails if a detector of the node runs, which can only be in another namespace.
Result<std::optional<Leftover>> leftover_of(const NodePaths& paths, const LockHolder& self) {
    if (!left_something(paths)) return std::nullopt;
    const auto before = LockFile::holder_of(paths.lock);
    auto lock = LockFile::take(paths.lock, before.value_or(self));  // it still tells whose leftovers these are
    if (!lock) return std::unexpected(lock.error());
    if (!*lock || somebody_listens(paths.socket).value_or(false)) {
        if (*lock) (*lock)->remove();
        return fail(
            fmt::format("its detector runs in another network namespace ({}): stop it first, nothing was removed",
                        before ? before->to_string() : paths.socket + " answers"));
    }
    return Leftover{.paths = paths, .lock = std::move(**lock)};
}

/// Those with pins whose detector was in this namespace, or may have been.
Result<std::vector<Leftover>> leftovers_here(const RunDirectory& run, const LockHolder& self) {
    std::vector<Leftover> found;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(run.bpffs(), error)) {
        const auto paths = run.of(entry.path().filename().string());
        if (!paths || !entry.is_directory(error)) continue;
        const auto before = LockFile::holder_of(paths->lock);
        if (before && before->netns != self.netns) continue;
        auto leftover = leftover_of(*paths, self);
        if (leftover && *leftover) found.push_back(std::move(**leftover));
    }
    return found;
}

/// Before anything is removed: whose leftovers are meant.
Result<std::optional<Leftover>> find_leftover(const std::string& node, const RunDirectory& run,
                                              const LockHolder& self) {
    if (!node.empty()) {
        const auto paths = run.of(node);
        if (!paths) return std::unexpected(paths.error());
        auto leftover = leftover_of(*paths, self);
        if (!leftover) return fail(fmt::format("node {}: {}", node, leftover.error().message));
        return leftover;
    }
    auto found = leftovers_here(run, self);
    if (!found) return std::unexpected(found.error());
    if (found->size() > 1) return fail("several nodes have pins in " + run.bpffs() + ": select one with --config FILE");
    if (found->empty()) return std::nullopt;
    return std::move(found->front());
}

/// What was found and removed, for the operator.
struct Removed {
    std::vector<std::string> interfaces;  ///< with programs of ours
    std::vector<std::string> devices;
    std::size_t routes = 0;
    bool clock = false;
    bool splitter = false;
    std::string node;  ///< whose files were removed

    [[nodiscard]] std::string to_string() const {
        std::vector<std::string> parts;
        if (!interfaces.empty()) parts.push_back(fmt::format("programs at {}", fmt::join(interfaces, ", ")));
        if (routes > 0) parts.push_back(fmt::format("{} route{}", routes, routes == 1 ? "" : "s"));
        if (!devices.empty()) parts.push_back(fmt::format("device {}", fmt::join(devices, ", ")));
        if (clock) parts.emplace_back("the probe clock");
        if (splitter) parts.emplace_back("the splitter");
        if (!node.empty()) parts.push_back(fmt::format("files and pins of node {}", node));
        if (parts.empty()) return "nothing to remove: no sidestepd left anything in this network namespace";
        return fmt::format("removed {}", fmt::join(parts, "; "));
    }
};

/// Looks at an interface before it is cleaned.
void note(const LinkChange& link, Removed& removed) {
    if (link.gone) return;
    if (link.name.starts_with(kClockPrefix)) {
        removed.clock = true;
        return;
    }
    if (link.name.starts_with(kSplitPrefix)) {
        removed.splitter = true;
        return;
    }
    if (TcHook::find(link.name, link.ifindex) || own_program(link.xdp_program)) removed.interfaces.push_back(link.name);
    if (PolicyDevice::find(link.name)) removed.devices.push_back(link.name);
}

/// Of this network namespace.
Result<void> clean_kernel(Removed& removed) {
    libbpf_set_print(nullptr);  // it complains about every interface that has no filter of ours
    auto routes = InstalledRoutes::open();
    if (!routes) return std::unexpected(routes.error());
    removed.routes = routes->count().value_or(0);
    auto interfaces = Netlink::open({
        .link =
            [&removed](const LinkChange& link) {
                note(link, removed);
                detach_ours(link);
            },
        .neighbor = [](const NeighborChange&) {},
        .address = [](const AddressChange&) {},
    });
    if (!interfaces) return std::unexpected(interfaces.error());
    if (auto dumped = (*interfaces)->dump(); !dumped) return dumped;
    if (auto done = remove_installed(); !done) return done;
    remove_kernel_clock();
    return {};
}

}  // namespace

Result<void> flush(const std::string& node, const DaemonOptions& options) {
    if (auto privileged = check_privilege(); !privileged) return privileged;
    const auto self = LockHolder::self("", options.run_directory);
    const auto lock = NamespaceLock::take(self);
    if (!lock) return std::unexpected(lock.error());
    const RunDirectory run(options.run_directory);
    auto leftover = find_leftover(node, run, self);
    if (!leftover) return std::unexpected(leftover.error());
    Removed removed;
    if (auto cleaned = clean_kernel(removed); !cleaned) return cleaned;
    if (*leftover) {
        removed.node = fs::path((*leftover)->paths.pins).filename().string();
        std::error_code error;
        fs::remove_all((*leftover)->paths.pins, error);
        fs::remove((*leftover)->paths.socket, error);
        fs::remove((*leftover)->paths.reading, error);
        fs::remove((*leftover)->paths.state, error);
        fs::remove((*leftover)->paths.events, error);
        fs::remove((*leftover)->paths.clients, error);
        fs::remove((*leftover)->paths.bfd, error);
        (*leftover)->lock.remove();
    }
    unmount_bpffs(run.bpffs());
    fmt::print("{}\n", removed.to_string());
    return {};
}

}  // namespace sidestep
