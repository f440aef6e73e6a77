// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reading YAML with located complaints, over yaml-cpp.
#include "common/yaml.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <fmt/format.h>

namespace sidestep {
namespace {

/// A walk over a document before anyone reads it. It complains of what yaml-cpp lets through: two equal keys, of which
/// it would find the first, and aliases (`a: &x [*x]`) that make a document endless or too large to walk.
class Inspection {
  public:
    /// Without aliases, a document has fewer nodes than bytes.
    Inspection(Complaints& complaints, std::size_t bytes)
        : complaints_(complaints), most_nodes_(std::max(kMostNodes, bytes)) {}

    void walk(const YAML::Node& node, const std::string& path, int depth = 0) {
        if (!affordable(node, depth)) return;
        if (node.IsSequence()) {
            std::size_t index = 0;
            for (const auto& item : node) walk(item, fmt::format("{}[{}]", path, index++), depth + 1);
        }
        if (!node.IsMap()) return;
        std::set<std::string> seen;
        for (const auto& entry : node) {
            if (!entry.first.IsScalar()) continue;
            const auto& key = entry.first.Scalar();
            const auto full = path.empty() ? key : path + "." + key;
            if (!seen.insert(key).second) YamlPlace(entry.first, full, &complaints_).complain("given twice");
            walk(entry.second, full, depth + 1);
        }
    }

  private:
    static constexpr int kDeepest = 64;
    static constexpr std::size_t kMostNodes = 1'000'000;

    /// False, with one complaint per document, once the document is too deep or too large.
    bool affordable(const YAML::Node& node, int depth) {
        if (gave_up_) return false;
        if (depth <= kDeepest && ++nodes_ <= most_nodes_) return true;
        gave_up_ = true;
        YamlPlace(node, "", &complaints_).complain("nested too deeply, or repeated too often by aliases");
        return false;
    }

    Complaints& complaints_;
    std::size_t most_nodes_;
    std::size_t nodes_ = 0;
    bool gave_up_ = false;
};

}  // namespace

std::string Complaint::to_string() const {
    auto text = file;
    if (line > 0) text += fmt::format(":{}:{}", line, column);
    if (!field.empty()) text += ": " + field;
    return text + ": " + reason;
}

std::string Complaints::to_string() const {
    std::string text;
    for (const auto& complaint : list) {
        if (!text.empty()) text += '\n';
        text += complaint.to_string();
    }
    return text;
}

bool YamlPlace::expect_map(std::initializer_list<std::string_view> keys) const {
    if (!node_.IsMap()) {
        complain("must be a map");
        return false;
    }
    for (const auto& entry : node_) {
        const auto key = entry.first.IsScalar() ? entry.first.Scalar() : std::string("?");
        if (std::find(keys.begin(), keys.end(), key) != keys.end()) continue;
        const auto full = path_.empty() ? key : path_ + "." + key;
        YamlPlace(entry.first, full, complaints_)
            .complain(fmt::format("unknown key; known: {}", fmt::join(keys, ", ")));
    }
    return true;
}

bool YamlPlace::has(const std::string& key) const {
    return node_.IsMap() && node_[key].IsDefined();
}

std::optional<YamlPlace> YamlPlace::optional(const std::string& key) const {
    if (!has(key)) return std::nullopt;
    return YamlPlace(node_[key], path_.empty() ? key : path_ + "." + key, complaints_);
}

std::optional<YamlPlace> YamlPlace::required(const std::string& key) const {
    auto place = optional(key);
    if (!place) YamlPlace(node_, path_.empty() ? key : path_ + "." + key, complaints_).complain("missing");
    return place;
}

std::vector<YamlPlace> YamlPlace::items(std::size_t least, std::size_t most) const {
    std::vector<YamlPlace> result;
    if (!node_.IsSequence()) {
        complain("must be a list");
        return result;
    }
    if (node_.size() < least || node_.size() > most) {
        complain(most == SIZE_MAX ? fmt::format("must hold at least {} entries, not {}", least, node_.size())
                                  : fmt::format("must hold {} to {} entries, not {}", least, most, node_.size()));
    }
    for (const auto& item : node_) {
        result.emplace_back(item, fmt::format("{}[{}]", path_, result.size()), complaints_);
    }
    return result;
}

std::optional<std::string> YamlPlace::text() const {
    if (node_.IsScalar() && !node_.Scalar().empty()) return node_.Scalar();
    complain("must be a text");
    return std::nullopt;
}

std::optional<bool> YamlPlace::boolean() const {
    bool value = false;
    if (node_.IsScalar() && YAML::convert<bool>::decode(node_, value)) return value;
    complain("must be true or false");
    return std::nullopt;
}

std::optional<std::int64_t> YamlPlace::integer(std::int64_t low, std::int64_t high, std::string_view unit) const {
    std::int64_t value = 0;
    if (node_.IsScalar() && YAML::convert<std::int64_t>::decode(node_, value) && value >= low && value <= high) {
        return value;
    }
    complain(fmt::format("must be a whole number from {} to {}{}{}", low, high, unit.empty() ? "" : " ", unit));
    return std::nullopt;
}

std::optional<double> YamlPlace::number(double low, double high, std::string_view unit) const {
    double value = 0;
    if (node_.IsScalar() && YAML::convert<double>::decode(node_, value) && value >= low && value <= high) return value;
    complain(fmt::format("must be a number from {} to {}{}{}", low, high, unit.empty() ? "" : " ", unit));
    return std::nullopt;
}

std::optional<Nanoseconds> YamlPlace::duration(Nanoseconds low, Nanoseconds high) const {
    const auto value = node_.IsScalar() ? parse_duration(node_.Scalar()) : std::nullopt;
    if (!value) {
        complain("must be a duration with its unit, such as 250us, 1ms or 5s");
        return std::nullopt;
    }
    if (*value < low || *value > high) {
        complain(fmt::format("must be from {} to {}", format_duration(low), format_duration(high)));
        return std::nullopt;
    }
    return value;
}

std::optional<Address> YamlPlace::address() const {
    auto value = node_.IsScalar() ? Address::parse(node_.Scalar()) : std::nullopt;
    if (!value) complain("must be an IP address");
    return value;
}

std::optional<Address> YamlPlace::ipv6() const {
    auto value = node_.IsScalar() ? Address::parse(node_.Scalar()) : std::nullopt;
    if (value && !value->is_v4()) return value;
    complain("must be an IPv6 address");
    return std::nullopt;
}

std::optional<Prefix> YamlPlace::prefix() const {
    auto value = node_.IsScalar() ? Prefix::parse(node_.Scalar()) : std::nullopt;
    if (!value) complain("must be a prefix without host bits, such as 2001:db8::/48 or 192.0.2.0/24");
    return value;
}

std::optional<std::size_t> YamlPlace::choice(std::span<const std::string_view> choices) const {
    if (node_.IsScalar()) {
        const auto found = std::find(choices.begin(), choices.end(), node_.Scalar());
        if (found != choices.end()) return static_cast<std::size_t>(found - choices.begin());
    }
    complain(fmt::format("must be one of: {}", fmt::join(choices, ", ")));
    return std::nullopt;
}

void YamlPlace::complain(std::string reason) const {
    const auto mark = node_.Mark();
    complaints_->list.push_back({.file = complaints_->file,
                                 .line = mark.line + 1,
                                 .column = mark.column + 1,
                                 .field = path_,
                                 .reason = std::move(reason)});
}

void read_yaml(const std::string& text, Complaints& complaints, const std::function<void(const YamlPlace&)>& read) {
    try {
        const auto root = YAML::Load(text);
        Inspection(complaints, text.size()).walk(root, "");
        if (complaints.empty()) read(YamlPlace(root, "", &complaints));
    } catch (const YAML::Exception& error) {
        complaints.list.push_back({.file = complaints.file,
                                   .line = error.mark.line + 1,
                                   .column = error.mark.column + 1,
                                   .field = "",
                                   .reason = error.msg});
    }
}

Result<std::string> read_file(const std::string& path) {
    if (std::error_code ignored; std::filesystem::is_directory(path, ignored)) return fail_errno(path, EISDIR);
    const std::ifstream stream(path, std::ios::binary);
    if (!stream) return fail_errno(path);
    std::ostringstream text;
    text << stream.rdbuf();
    if (stream.bad()) return fail_errno(path);
    return std::move(text).str();
}

}  // namespace sidestep
