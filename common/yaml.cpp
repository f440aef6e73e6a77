// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reading YAML with located complaints.
#include "common/yaml.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "common/yaml_hint.hpp"
#include "common/yaml_parser.hpp"
#include "common/yaml_scalar.hpp"

namespace sidestep {

/// The node of the key that speaks for `key`: its present name before an old one.
std::optional<YamlIndex> YamlPlace::find(std::string_view key) const {
    auto found = tree().find_key(node_, key);
    for (const auto& [old, current] : document_->renamed) {
        if (found) break;
        if (current == key) found = tree().find_key(node_, old);
    }
    return found;
}

void YamlPlace::check_key(YamlIndex key, std::initializer_list<std::string_view> keys) const {
    const auto name = tree().text(key);
    const bool named = tree().is(key, YamlKind::scalar);
    if (named && std::ranges::find(keys, name) != keys.end()) return;
    const YamlPlace place(*document_, key);
    for (const auto& [old, current] : document_->renamed) {
        if (!named || old != name || std::ranges::find(keys, current) == keys.end()) continue;
        if (find(current) == key) return place.warn(fmt::format("the old name of `{}`; rename the key", current));
        return place.complain(fmt::format("the old name of `{}`, which is given too", current));
    }
    place.complain(fmt::format("unknown key; known: {}", fmt::join(keys, ", ")));
}

bool YamlPlace::expect_map(std::initializer_list<std::string_view> keys) const {
    if (!tree().is(node_, YamlKind::map)) {
        complain("must be a map");
        return false;
    }
    for (auto key = tree().begin(node_); key != tree().end(node_); key = tree().next(tree().next(key))) {
        check_key(key, keys);
    }
    return true;
}

std::optional<YamlPlace> YamlPlace::optional(std::string_view key) const {
    const auto found = find(key);
    if (!found) return std::nullopt;
    return YamlPlace(*document_, tree().next(*found));
}

std::optional<YamlPlace> YamlPlace::required(std::string_view key) const {
    auto place = optional(key);
    if (!place) document_->complaints.list.push_back(say(join_path(path(), key), "missing"));
    return place;
}

std::vector<YamlPlace> YamlPlace::items(std::size_t least, std::size_t most) const {
    std::vector<YamlPlace> result;
    if (!tree().is(node_, YamlKind::sequence)) {
        complain("must be a list");
        return result;
    }
    const std::size_t size = tree().node(node_).size;
    if (size < least || size > most) {
        complain(most == SIZE_MAX ? fmt::format("must hold at least {} entries, not {}", least, size)
                                  : fmt::format("must hold {} to {} entries, not {}", least, most, size));
    }
    result.reserve(size);
    for (auto item = tree().begin(node_); item != tree().end(node_); item = tree().next(item)) {
        result.emplace_back(*document_, item);
    }
    return result;
}

std::optional<std::string> YamlPlace::text() const {
    if (!scalar().empty()) return std::string(scalar());
    complain_of_value("must be a text");
    return std::nullopt;
}

std::optional<bool> YamlPlace::boolean() const {
    const auto value = parse_yaml_bool(scalar());
    if (!value) complain_of_value("must be true or false");
    return value;
}

std::optional<std::int64_t> YamlPlace::integer(std::int64_t low, std::int64_t high, std::string_view unit) const {
    const auto value = parse_yaml_integer(scalar());
    if (value && *value >= low && *value <= high) return value;
    complain_of_value(
        fmt::format("must be a whole number from {} to {}{}{}", low, high, unit.empty() ? "" : " ", unit));
    return std::nullopt;
}

std::optional<double> YamlPlace::number(double low, double high, std::string_view unit) const {
    const auto value = parse_yaml_number(scalar());
    if (value && *value >= low && *value <= high) return value;
    complain_of_value(fmt::format("must be a number from {} to {}{}{}", low, high, unit.empty() ? "" : " ", unit));
    return std::nullopt;
}

std::optional<Nanoseconds> YamlPlace::duration(Nanoseconds low, Nanoseconds high) const {
    const auto value = parse_duration(scalar());
    if (!value) {
        complain_of_value("must be a duration with its unit, such as 250us, 1ms or 5s");
        return std::nullopt;
    }
    if (*value < low || *value > high) {
        complain(fmt::format("must be from {} to {}", format_duration(low), format_duration(high)));
        return std::nullopt;
    }
    return value;
}

std::optional<Address> YamlPlace::address() const {
    auto value = Address::parse(scalar());
    if (!value) complain_of_value("must be an IP address");
    return value;
}

bool YamlPlace::is_v4_address() const {
    const auto value = Address::parse(scalar());
    return value && value->is_v4();
}

std::optional<Address> YamlPlace::ipv6() const {
    auto value = Address::parse(scalar());
    if (value && !value->is_v4()) return value;
    complain_of_value("must be an IPv6 address" + address_hint(scalar()));
    return std::nullopt;
}

std::optional<Prefix> YamlPlace::prefix() const {
    auto value = Prefix::parse(scalar());
    if (!value) {
        complain_of_value("must be a prefix without host bits, such as 2001:db8::/48 or 192.0.2.0/24" +
                          prefix_hint(scalar()));
    }
    return value;
}

std::optional<std::size_t> YamlPlace::choice(std::span<const std::string_view> choices) const {
    const auto found = std::ranges::find(choices, scalar());
    if (is_scalar() && found != choices.end()) return static_cast<std::size_t>(found - choices.begin());
    complain_of_value(fmt::format("must be one of: {}", fmt::join(choices, ", ")));
    return std::nullopt;
}

Complaint YamlPlace::say(std::string field, std::string reason) const {
    const auto& node = tree().node(node_);
    return {.file = document_->complaints.file,
            .line = static_cast<int>(node.line),
            .column = static_cast<int>(node.column),
            .field = std::move(field),
            .reason = std::move(reason)};
}

void YamlPlace::complain(std::string reason) const {
    document_->complaints.list.push_back(say(path(), std::move(reason)));
}

void YamlPlace::warn(std::string reason) const {
    document_->complaints.warnings.push_back(say(path(), std::move(reason)));
}

/// Of a value that is no scalar: `- fd00:c::` is a map, to YAML.
void YamlPlace::complain_of_value(std::string reason) const {
    if (tree().is(node_, YamlKind::map) && tree().node(node_).size == 2) {
        const auto hint = quote_hint_of_key(tree().text(tree().begin(node_)));
        if (hint) reason += "; " + *hint;
    }
    complain(std::move(reason));
}

void read_yaml(const std::string& text, Complaints& complaints, const std::function<void(const YamlPlace&)>& read,
               std::span<const RenamedKey> renamed) {
    auto tree = parse_yaml(text, complaints);
    if (!tree) return;
    const YamlDocument document{.tree = std::move(*tree), .complaints = complaints, .renamed = renamed};
    read(YamlPlace(document, 0));
}

}  // namespace sidestep
