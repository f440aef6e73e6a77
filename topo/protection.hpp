// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Writes the configuration of sidestepd for one router of a lab that protects traffic over a link by a backup.
#pragma once

#include <string>
#include <vector>

#include "topo/lab.hpp"

namespace sidestep::topo {

/// `node` sends traffic for `destination` over `link`, and while that is down over `backup_link` and the routers `via`.
/// At the last of these the backup meets the primary path again; it decapsulates.
struct Protection {
    std::string node{};
    std::string link{};
    std::string backup_link{};
    std::vector<std::string> via;
    std::string destination;
    std::string interval = "1ms";
    int multiplier = 3;
    std::string wait_to_restore = "200ms";
};

/// The parts of such configurations: node and clock; one item of `adjacencies`, without its end; the backup as a
/// candidate path.
std::string head_yaml(const Lab& lab, const Protection& protection);
std::string adjacency_yaml(const Lab& lab, const Protection& protection, const std::string& link);
std::string detour_yaml(const Lab& lab, const Protection& protection);
/// All interfaces of the node, as `ingress`.
std::string ingress_yaml(const Lab& lab, const Protection& protection);

/// The YAML that `sidestepd --config` reads.
std::string protection_config(const Lab& lab, const Protection& protection);

}  // namespace sidestep::topo
