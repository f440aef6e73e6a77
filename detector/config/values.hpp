// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reads values that several sections have in common: names, interfaces, addresses. Each is nullopt, with a complaint,
// if it is absent or wrong.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "common/yaml.hpp"

namespace sidestep::config_reader {

/// Remembers where each name was given first, to refuse a second one.
class Seen {
  public:
    /// Returns true if `name` is new; otherwise complains at `place`.
    bool add(const std::string& name, const YamlPlace& place);
    /// A name that was not given in this file.
    void add(const std::string& name) { lines_.emplace(name, 0); }
    [[nodiscard]] bool contains(const std::string& name) const { return lines_.contains(name); }
    /// "A-B, A-C, A-D and 7 more".
    [[nodiscard]] std::string known() const;

  private:
    std::map<std::string, int> lines_;
};

/// "link-local", "multicast", "loopback" or similar if that is true for the whole prefix; nullopt if routers forward to it.
std::optional<std::string_view> scope_of(const Prefix& prefix);

/// The name of a session or a policy.
std::optional<std::string> read_name(const YamlPlace& place);
std::optional<std::string> read_node_name(const YamlPlace& place);
/// A valid name for an interface, whether there is one or not.
std::optional<std::string> read_interface_name(const YamlPlace& place);

/// An IPv6 address that a packet can be sent to from any link or, with `link_local_too`, only from its own.
std::optional<Address> read_unicast(const YamlPlace& place, bool link_local_too = false);
std::optional<Address> read_unicast_v4(const YamlPlace& place, bool link_local_too = false);
std::optional<Prefix> read_prefix_v6(const YamlPlace& place);

bool is_v4(const Prefix& prefix);

/// The place of `key`, or of the map if the key is absent: for complaints about a value that may be a default.
YamlPlace place_of(const YamlPlace& map, const std::string& key);

}  // namespace sidestep::config_reader
