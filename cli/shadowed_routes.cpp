// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/shadowed_routes.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>
#include <sstream>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "detector/core/desired.hpp"

namespace sidestep {
namespace {

constexpr std::size_t kNamed = 5;
constexpr std::uint8_t kV4Bits = 96;

std::optional<unsigned long> hex(std::string_view text) {
    unsigned long value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

/// "20010db8000000000000000000000000 30 ...": destination and length.
std::optional<Prefix> v6_route(std::istringstream& line) {
    std::string destination;
    std::string length;
    if (!(line >> destination >> length) || destination.size() != 32) return std::nullopt;
    Address address;
    for (std::size_t i = 0; i < 16; ++i) {
        const auto byte = hex(std::string_view(destination).substr(2 * i, 2));
        if (!byte) return std::nullopt;
        address.bytes.at(i) = static_cast<std::uint8_t>(*byte);
    }
    const auto bits = hex(length);
    if (!bits || *bits > 128) return std::nullopt;
    return Prefix::covering(address, static_cast<std::uint8_t>(*bits));
}

/// "eth0 0000030A 00000000 0003 0 0 20 0000FFFF ...": the third byte of the destination's text is its second one.
std::optional<Prefix> v4_route(std::istringstream& line) {
    std::vector<std::string> words(std::istream_iterator<std::string>(line), {});
    if (words.size() < 8) return std::nullopt;
    const auto destination = hex(words[1]);
    const auto mask = hex(words[7]);
    if (!destination || !mask) return std::nullopt;
    Address address;
    address.bytes[10] = address.bytes[11] = 0xff;
    for (std::size_t i = 0; i < 4; ++i) address.bytes.at(12 + i) = static_cast<std::uint8_t>(*destination >> 8 * i);
    return Prefix::covering(address, static_cast<std::uint8_t>(kV4Bits + std::popcount(*mask)));
}

std::string text_of(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// The longest of the policies' prefixes around a route that is not the route's own; null if there is none.
const PolicyConfig* policy_around(const Config& config, const Prefix& route) {
    const PolicyConfig* around = nullptr;
    int longest = -1;
    for (const auto& policy : config.policies) {
        for (const auto& prefix : policy.prefixes) {
            const bool same_family = prefix.address.is_v4() == route.address.is_v4();
            if (!same_family || !prefix.contains(route) || prefix.length <= longest) continue;
            longest = prefix.length;
            around = prefix == route ? nullptr : &policy;
        }
    }
    return around;
}

}  // namespace

std::vector<Prefix> routes_in(std::string_view text, bool v4) {
    std::set<Prefix> routes;
    std::istringstream lines{std::string(text)};
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        const auto route = v4 ? v4_route(words) : v6_route(words);
        if (route && !route->address.is_link_local() && !route->address.is_multicast()) routes.insert(*route);
    }
    return {routes.begin(), routes.end()};
}

std::string describe_shadowed(const Config& config, const std::vector<Prefix>& routes) {
    std::string text;
    for (const auto& policy : config.policies) {
        if (yields_to_routes({.config = policy, .bypass_of = {}})) continue;
        std::vector<Prefix> shadowed;
        std::ranges::copy_if(routes, std::back_inserter(shadowed),
                             [&](const Prefix& route) { return policy_around(config, route) == &policy; });
        if (shadowed.empty()) continue;
        std::vector<std::string> named;
        for (const auto& route : shadowed) {
            if (named.size() < kNamed) named.push_back(route.to_string());
        }
        text +=
            fmt::format("policy {} also takes the packets of {} more specific routes of this machine: {}{}\n",
                        policy.name, shadowed.size(), fmt::join(named, ", "), shadowed.size() > kNamed ? " ..." : "");
    }
    return text;
}

std::string describe_shadowed(const Config& config) {
    auto routes = routes_in(text_of("/proc/net/ipv6_route"), false);
    const auto v4 = routes_in(text_of("/proc/net/route"), true);
    routes.insert(routes.end(), v4.begin(), v4.end());
    return describe_shadowed(config, routes);
}

}  // namespace sidestep
