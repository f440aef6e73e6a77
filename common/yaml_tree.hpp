// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A YAML document as one array of nodes in the order of the file, children after their parent: large documents cost two
// allocations, and every node knows its line, its column and its path.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sidestep {

enum class YamlKind : std::uint8_t { null, scalar, sequence, map };

using YamlIndex = std::uint32_t;  ///< of a node; 0 is the root

struct YamlNode {
    YamlKind kind = YamlKind::null;
    std::uint32_t line = 0;  ///< of its first character, from 1; 0: the document is empty
    std::uint32_t column = 0;
    YamlIndex parent = 0;
    YamlIndex end = 0;           ///< after the last node below this one: the next sibling, or the parent's end
    std::uint32_t position = 0;  ///< among the parent's children, from 0; in a map, a key and its value are two
    std::uint32_t text = 0;      ///< of a scalar: where its text begins
    std::uint32_t size = 0;      ///< of a scalar: bytes of its text; otherwise: children
};

/// One document. Filled in the order of the file by open() and close(), or copy(); complete once the root is closed.
class YamlTree {
  public:
    /// Room for what a text of so many bytes usually needs.
    void reserve(std::size_t bytes);
    /// Appends a node below the innermost open one, and makes it the innermost; kind, line and column are taken over.
    YamlIndex open(const YamlNode& node, std::string_view text = {});
    /// The innermost open node is complete.
    void close();
    /// Appends a copy of a closed node and all below it, with the lines and columns of the original.
    void copy(YamlIndex original);

    [[nodiscard]] std::size_t size() const { return nodes_.size(); }
    [[nodiscard]] std::size_t depth() const { return open_.size(); }  ///< open nodes
    [[nodiscard]] const YamlNode& node(YamlIndex index) const { return nodes_[index]; }
    [[nodiscard]] bool is_closed(YamlIndex index) const { return nodes_[index].end != 0; }
    [[nodiscard]] bool is(YamlIndex index, YamlKind kind) const { return nodes_[index].kind == kind; }
    /// Of a scalar; empty otherwise.
    [[nodiscard]] std::string_view text(YamlIndex index) const;
    /// The first child, or end() of the same node; go on with next(). In a map, keys and values take turns.
    [[nodiscard]] YamlIndex begin(YamlIndex index) const { return index + 1; }
    [[nodiscard]] YamlIndex end(YamlIndex index) const { return nodes_[index].end; }
    [[nodiscard]] YamlIndex next(YamlIndex index) const { return nodes_[index].end; }
    /// The key's node in a map; nullopt if this is no map or lacks the key.
    [[nodiscard]] std::optional<YamlIndex> find_key(YamlIndex map, std::string_view key) const;
    /// "policies[2].prefixes"; of a key the same as of its value; "" for the root.
    [[nodiscard]] std::string path(YamlIndex index) const;

  private:
    void adopt(YamlIndex child);

    std::vector<YamlNode> nodes_;
    std::string texts_;
    std::vector<YamlIndex> open_;
};

/// "a.b", or "b" where there is no path before.
std::string join_path(std::string path, std::string_view key);

}  // namespace sidestep
