// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The tree of a YAML document. Nothing here recurses: aliases can nest deeper than the file does.
#include "common/yaml_tree.hpp"

#include <fmt/format.h>

namespace sidestep {

void YamlTree::reserve(std::size_t bytes) {
    constexpr std::size_t kBytesPerNode = 8;
    nodes_.reserve(bytes / kBytesPerNode + 1);
    texts_.reserve(bytes);
}

/// Makes the node, which is the last one, a child of the innermost open one.
void YamlTree::adopt(YamlIndex child) {
    if (open_.empty()) return;
    auto& node = nodes_[child];
    node.parent = open_.back();
    node.position = nodes_[node.parent].size++;
}

YamlIndex YamlTree::open(const YamlNode& node, std::string_view text) {
    const auto index = static_cast<YamlIndex>(nodes_.size());
    nodes_.push_back({.kind = node.kind,
                      .line = node.line,
                      .column = node.column,
                      .text = static_cast<std::uint32_t>(texts_.size()),
                      .size = static_cast<std::uint32_t>(text.size())});
    texts_ += text;
    adopt(index);
    open_.push_back(index);
    return index;
}

void YamlTree::close() {
    nodes_[open_.back()].end = static_cast<YamlIndex>(nodes_.size());
    open_.pop_back();
}

void YamlTree::copy(YamlIndex original) {
    const auto first = static_cast<YamlIndex>(nodes_.size());
    const auto shift = first - original;
    for (auto index = original; index != nodes_[original].end; ++index) {
        auto node = nodes_[index];
        node.parent += shift;
        node.end += shift;
        nodes_.push_back(node);
    }
    adopt(first);
}

std::string_view YamlTree::text(YamlIndex index) const {
    const auto& node = nodes_[index];
    if (node.kind != YamlKind::scalar) return {};
    return std::string_view(texts_).substr(node.text, node.size);
}

std::optional<YamlIndex> YamlTree::find_key(YamlIndex map, std::string_view key) const {
    if (!is(map, YamlKind::map)) return std::nullopt;
    for (auto entry = begin(map); entry != end(map); entry = next(next(entry))) {
        if (is(entry, YamlKind::scalar) && text(entry) == key) return entry;
    }
    return std::nullopt;
}

std::string YamlTree::path(YamlIndex index) const {
    std::string path;
    for (; index != 0; index = nodes_[index].parent) {
        const auto& node = nodes_[index];
        std::string step;
        if (is(node.parent, YamlKind::sequence)) {
            step = fmt::format("[{}]", node.position);
        } else {
            const auto key = node.position % 2 == 0 ? index : index - 1;  // a scalar is the node before its value
            const bool plain = nodes_[key].parent == node.parent && is(key, YamlKind::scalar);
            step = plain ? std::string(text(key)) : "?";
        }
        if (!path.empty() && !path.starts_with('[')) step += '.';
        path.insert(0, step);
    }
    return path;
}

std::string join_path(std::string path, std::string_view key) {
    if (!path.empty()) path += '.';
    return path.append(key);
}

}  // namespace sidestep
