// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Looks into the maps of a running sidestepd.
#pragma once

#include <bpf/bpf.h>

#include <filesystem>
#include <string>

#include "detector/kernel/shared_array.hpp"
#include "topo/lab.hpp"

namespace sidestep::bench {

/// The memory of an array map that A's sidestepd has pinned. The pins lie in a folder for their layout; there is one.
template <typename T>
Result<SharedArray<T>> pinned_array(const topo::Lab& lab, const std::string& name) {
    for (const auto& entry : std::filesystem::directory_iterator(lab.directory() + "/A/bpf/A")) {
        if (!entry.is_directory() || !entry.path().filename().string().starts_with('v')) continue;
        const auto path = entry.path().string() + "/" + name;
        const Fd map(bpf_obj_get(path.c_str()));
        if (!map) return fail("cannot open " + path);
        return SharedArray<T>::map(map.get(), name);
    }
    return fail("A's sidestepd has pinned no maps");
}

}  // namespace sidestep::bench
