// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reads names, interfaces and addresses.
#include "detector/config/values.hpp"

#include <net/if.h>

#include <algorithm>
#include <array>
#include <cctype>

#include <fmt/format.h>

#include "bpf/abi/sidestep.h"
#include "common/run_directory.hpp"
#include "detector/core/client_sessions.hpp"

namespace sidestep::config_reader {
namespace {

constexpr std::size_t kLongestName = SS_NAME_MAX - 1;
constexpr std::size_t kLongestInterface = IFNAMSIZ - 1;

bool is_printable(char c) {
    return c > ' ' && c <= '~';
}

/// The characters that dev_valid_name() in net/core/dev.c refuses, and those that would end the name early.
bool is_no_interface(char c) {
    return c == '/' || c == ':' || c == '\0' || std::isspace(static_cast<unsigned char>(c)) != 0;
}

struct Scope {
    Prefix prefix;
    std::string_view name;
};

constexpr std::string_view kLinkLocal = "link-local";
constexpr std::string_view kLoopback = "loopback";
constexpr std::string_view kUnspecified = "unspecified";
constexpr std::string_view kBroadcast = "broadcast";

const std::array<Scope, 9>& unrouted() {
    static const auto scopes = [] {
        const auto scope = [](const char* prefix, std::string_view name) {
            return Scope{Prefix::parse(prefix).value_or(Prefix{}), name};
        };
        return std::array{scope("fe80::/10", kLinkLocal),         scope("ff00::/8", "multicast"),
                          scope("224.0.0.0/4", "multicast"),      scope("169.254.0.0/16", kLinkLocal),
                          scope("127.0.0.0/8", kLoopback),        scope("::1/128", kLoopback),
                          scope("::/128", kUnspecified),          scope("0.0.0.0/8", kUnspecified),
                          scope("255.255.255.255/32", kBroadcast)};
    }();
    return scopes;
}

}  // namespace

bool Seen::add(const std::string& name, const YamlPlace& place) {
    const auto [first, fresh] = lines_.emplace(name, place.line());
    if (!fresh && first->second == 0) place.complain(fmt::format("'{}' is already given", name));
    if (!fresh && first->second != 0)
        place.complain(fmt::format("'{}' is already given on line {}", name, first->second));
    return fresh;
}

std::string Seen::known() const {
    constexpr std::size_t kMost = 8;
    std::string text;
    std::size_t listed = 0;
    for (const auto& [name, line] : lines_) {
        if (listed++ == kMost) return fmt::format("{} and {} more", text, lines_.size() - kMost);
        text += (text.empty() ? "" : ", ") + name;
    }
    return text.empty() ? "none" : text;
}

std::optional<std::string_view> scope_of(const Prefix& prefix) {
    for (const auto& [scope, name] : unrouted()) {
        if (scope.contains(prefix)) return name;
    }
    return std::nullopt;
}

std::optional<std::string> read_name(const YamlPlace& place) {
    auto name = place.text();
    if (!name) return name;
    if (name->starts_with(kClientPrefix)) {
        place.complain(fmt::format("must not begin with {}: such names are for sessions of the API", kClientPrefix));
        return std::nullopt;
    }
    if (name->size() <= kLongestName && std::all_of(name->begin(), name->end(), is_printable)) return name;
    place.complain(fmt::format("must be 1 to {} printable characters without spaces", kLongestName));
    return std::nullopt;
}

std::optional<std::string> read_node_name(const YamlPlace& place) {
    auto name = place.text();
    if (!name || is_node_name(*name)) return name;
    place.complain(
        fmt::format("must be 1 to {} letters, digits, dots, underscores or hyphens, and must not begin with "
                    "a dot or a hyphen",
                    kLongestNodeName));
    return std::nullopt;
}

std::optional<std::string> read_interface_name(const YamlPlace& place) {
    auto name = place.text();
    if (!name) return name;
    if (name->size() > kLongestInterface) {
        place.complain(
            fmt::format("'{}' is longer than the {} characters of an interface name", *name, kLongestInterface));
        return std::nullopt;
    }
    if (*name == "." || *name == ".." || std::any_of(name->begin(), name->end(), is_no_interface)) {
        place.complain(fmt::format("'{}' cannot be the name of an interface", *name));
        return std::nullopt;
    }
    return name;
}

std::optional<Address> read_unicast(const YamlPlace& place, bool link_local_too) {
    auto address = place.ipv6();
    if (!address) return address;
    if (address->is_multicast()) {
        place.complain("must not be a multicast address");
    } else if (address->is_unspecified()) {
        place.complain("must not be the unspecified address");
    } else if (*address == Address::parse("::1")) {
        place.complain("must not be the loopback address");
    } else if (address->is_link_local() && !link_local_too) {
        place.complain("must not be a link-local address: routers do not forward to it");
    } else {
        return address;
    }
    return std::nullopt;
}

std::optional<Address> read_unicast_v4(const YamlPlace& place, bool link_local_too) {
    const auto address = place.address();
    if (!address) return address;
    if (!address->is_v4()) {
        place.complain("must be an IPv4 address");
    } else if (const auto why = scope_of(Prefix::covering(*address, 128));
               why && !(link_local_too && why == kLinkLocal)) {
        const bool only_one = *why == kUnspecified || *why == kBroadcast;
        place.complain(fmt::format("must not be {} {} address", only_one ? "the" : "a", *why));
    } else {
        return address;
    }
    return std::nullopt;
}

std::optional<Prefix> read_prefix_v6(const YamlPlace& place) {
    auto prefix = place.prefix();
    if (!prefix || !is_v4(*prefix)) return prefix;
    place.complain("must be an IPv6 prefix");
    return std::nullopt;
}

bool is_v4(const Prefix& prefix) {
    return prefix.address.is_v4() && prefix.length >= 96;
}

YamlPlace place_of(const YamlPlace& map, const std::string& key) {
    return map.optional(key).value_or(map);
}

}  // namespace sidestep::config_reader
