// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/kernel/linkdown.hpp"

#include <fstream>

namespace sidestep {
namespace {

bool is_set(const char* family, const std::string& interface) {
    std::ifstream file(std::string("/proc/sys/net/") + family + "/conf/" + interface + "/ignore_routes_with_linkdown");
    int value = 0;
    return file >> value && value != 0;
}

}  // namespace

LinkdownIgnored linkdown_ignored(const std::string& interface) {
    return {.v4 = is_set("ipv4", "all") || is_set("ipv4", interface), .v6 = is_set("ipv6", interface)};
}

}  // namespace sidestep
