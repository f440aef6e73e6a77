// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reading YAML written by people: every complaint names file, line, column, field and reason, and all complaints are
// collected before anything is done. Shared by the detector's configuration and the topology file.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <yaml-cpp/yaml.h>

#include "common/address.hpp"
#include "common/duration.hpp"
#include "common/error.hpp"

namespace sidestep {

/// One complaint about a file; line and column count from 1, 0 where there is none.
struct Complaint {
    std::string file;
    int line = 0;
    int column = 0;
    std::string field;
    std::string reason;

    /// "a.yaml:3:5: adjacencies[0].interface: no such interface".
    [[nodiscard]] std::string to_string() const;
};

/// The complaints about one file, in the order they were found.
struct Complaints {
    std::string file;
    std::vector<Complaint> list;

    [[nodiscard]] bool empty() const { return list.empty(); }
    /// One complaint a line.
    [[nodiscard]] std::string to_string() const;
};

/// A place in a YAML document: the node, its path ("policies[2].prefixes"), and where complaints go.
/// Reading something absent or wrong complains and yields nullopt; nothing throws.
class YamlPlace {
  public:
    YamlPlace(const YAML::Node& node, std::string path, Complaints* complaints)
        : node_(node), path_(std::move(path)), complaints_(complaints) {}

    /// Complains unless this is a map with none but these keys; true if it is a map.
    bool expect_map(std::initializer_list<std::string_view> keys) const;
    [[nodiscard]] bool has(const std::string& key) const;
    /// The place of a required key: complains here if it is absent.
    [[nodiscard]] std::optional<YamlPlace> required(const std::string& key) const;
    /// The place of an optional key.
    [[nodiscard]] std::optional<YamlPlace> optional(const std::string& key) const;
    /// The elements of a sequence; complains and is empty if this is none, complains too if they are fewer or more.
    [[nodiscard]] std::vector<YamlPlace> items(std::size_t least = 0, std::size_t most = SIZE_MAX) const;

    [[nodiscard]] std::optional<std::string> text() const;
    [[nodiscard]] std::optional<bool> boolean() const;
    /// An integer within [low, high]; complains with `unit` in the reason otherwise.
    [[nodiscard]] std::optional<std::int64_t> integer(std::int64_t low, std::int64_t high,
                                                      std::string_view unit = "") const;
    [[nodiscard]] std::optional<double> number(double low, double high, std::string_view unit = "") const;
    [[nodiscard]] std::optional<Nanoseconds> duration(Nanoseconds low, Nanoseconds high) const;
    [[nodiscard]] std::optional<Address> address() const;
    [[nodiscard]] std::optional<Address> ipv6() const;
    [[nodiscard]] std::optional<Prefix> prefix() const;
    /// The index of the text among `choices`; complains with the list otherwise.
    [[nodiscard]] std::optional<std::size_t> choice(std::span<const std::string_view> choices) const;
    [[nodiscard]] std::optional<std::size_t> choice(std::initializer_list<std::string_view> choices) const {
        return choice(std::span(choices.begin(), choices.size()));
    }

    void complain(std::string reason) const;
    [[nodiscard]] bool is_scalar() const { return node_.IsScalar(); }
    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] int line() const { return node_.Mark().line + 1; }

  private:
    YAML::Node node_;
    std::string path_;
    Complaints* complaints_;
};

/// Parses `text` as YAML and hands its root to `read`. Syntax errors and duplicate keys become complaints too.
void read_yaml(const std::string& text, Complaints& complaints, const std::function<void(const YamlPlace&)>& read);

/// The whole of a file; the error says why it cannot be read.
Result<std::string> read_file(const std::string& path);

}  // namespace sidestep
