// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Mounts and unmounts a bpffs.
#include "detector/kernel/bpffs.hpp"

#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/statfs.h>

#include <filesystem>

namespace sidestep {

Result<void> mount_bpffs(const std::string& directory) {
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    struct statfs info {};
    if (statfs(directory.c_str(), &info) != 0) return fail_errno(directory);
    if (info.f_type == BPF_FS_MAGIC) return {};
    if (mount("bpf", directory.c_str(), "bpf", 0, "mode=0700") != 0) {
        const auto failure = fail_errno("cannot mount a bpffs at " + directory + " (run as root)");
        std::filesystem::remove(directory, error);
        return failure;
    }
    return {};
}

void unmount_bpffs(const std::string& directory) {
    std::error_code error;
    struct statfs info {};
    if (statfs(directory.c_str(), &info) != 0 || info.f_type != BPF_FS_MAGIC) return;
    // Nodes pin in folders of their own; the kernel has files next to them.
    for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
        if (entry.is_directory()) return;
    }
    if (umount2(directory.c_str(), MNT_DETACH) == 0) std::filesystem::remove(directory, error);
}

}  // namespace sidestep
