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

#include "common/address.hpp"
#include "common/complaints.hpp"
#include "common/duration.hpp"
#include "common/yaml_tree.hpp"

namespace sidestep {

/// A key that had another name in an earlier version. Wherever the present name may stand, the old one is read too, with
/// a warning.
struct RenamedKey {
    std::string_view old;
    std::string_view current;
};

/// What all places of one document share.
struct YamlDocument {
    YamlTree tree;
    Complaints& complaints;
    std::span<const RenamedKey> renamed{};
};

/// A place in a YAML document; holds as long as the document. Reading something absent or wrong complains and yields
/// nullopt; nothing throws.
class YamlPlace {
  public:
    YamlPlace(const YamlDocument& document, YamlIndex node) : document_(&document), node_(node) {}

    /// Complains unless this is a map with none but these keys, warns of their old names; true if it is a map.
    bool expect_map(std::initializer_list<std::string_view> keys) const;
    /// Whether there is such a key, under its present name or an old one.
    [[nodiscard]] bool has(std::string_view key) const { return find(key).has_value(); }
    /// The place of a required key: complains here if it is absent.
    [[nodiscard]] std::optional<YamlPlace> required(std::string_view key) const;
    /// The place of an optional key.
    [[nodiscard]] std::optional<YamlPlace> optional(std::string_view key) const;
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
    /// Like complain(), but the file stays valid.
    void warn(std::string reason) const;
    /// An IPv4 address, where IPv6 may be asked for.
    [[nodiscard]] bool is_v4_address() const;
    [[nodiscard]] bool is_scalar() const { return tree().is(node_, YamlKind::scalar); }
    [[nodiscard]] std::string path() const { return tree().path(node_); }
    [[nodiscard]] int line() const { return static_cast<int>(tree().node(node_).line); }

  private:
    [[nodiscard]] const YamlTree& tree() const { return document_->tree; }
    [[nodiscard]] std::string_view scalar() const { return tree().text(node_); }
    [[nodiscard]] std::optional<YamlIndex> find(std::string_view key) const;
    void check_key(YamlIndex key, std::initializer_list<std::string_view> keys) const;
    void complain_of_value(std::string reason) const;
    [[nodiscard]] Complaint say(std::string field, std::string reason) const;

    const YamlDocument* document_;
    YamlIndex node_;
};

/// Parses `text` as YAML and hands its root to `read`, unless there are complaints already: syntax errors, duplicate
/// keys and a second document are some too.
void read_yaml(const std::string& text, Complaints& complaints, const std::function<void(const YamlPlace&)>& read,
               std::span<const RenamedKey> renamed = {});

}  // namespace sidestep
