// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Builds the tree from libyaml's events, and translates its errors.
#include "common/yaml_parser.hpp"

#include <algorithm>
#include <unordered_map>

#include <fmt/format.h>
#include <yaml.h>

#include "common/file.hpp"
#include "common/yaml_hint.hpp"
#include "common/yaml_scalar.hpp"

namespace sidestep {
namespace {

constexpr std::size_t kDeepest = 64;  ///< levels in the file
constexpr std::size_t kMostNodes = 10'000'000;
constexpr std::size_t kMostCopied = 1'000'000;  ///< nodes that aliases add, if the text has no more bytes

struct Event {
    yaml_event_t raw{};

    Event() = default;
    Event(const Event&) = delete;
    Event& operator=(const Event&) = delete;
    ~Event() { yaml_event_delete(&raw); }
};

std::string_view view(const yaml_char_t* text) {
    return text == nullptr ? std::string_view{} : reinterpret_cast<const char*>(text);
}

class Parser {
  public:
    Parser(const std::string& text, YamlTree& tree, Complaints& complaints)
        : text_(text), tree_(tree), complaints_(complaints) {
        if (yaml_parser_initialize(&parser_) == 0) throw std::bad_alloc();
        yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()), text.size());
    }
    Parser(const Parser&) = delete;
    Parser& operator=(const Parser&) = delete;
    ~Parser() { yaml_parser_delete(&parser_); }

    /// Stops at the first complaint.
    void run() {
        tree_.reserve(text_.size());
        for (bool more = true; more;) {
            Event event;
            if (yaml_parser_parse(&parser_, &event.raw) == 0) return complain_of_syntax();
            more = event.raw.type != YAML_STREAM_END_EVENT && take(event.raw);
        }
        if (!complaints_.empty() || tree_.size() > 0) return;
        tree_.open({});
        tree_.close();
    }

  private:
    /// False: complained.
    bool take(const yaml_event_t& event) {
        switch (event.type) {
            case YAML_DOCUMENT_START_EVENT:
                return ++documents_ == 1 || refuse(event.start_mark, "a second document; a file holds only one");
            case YAML_ALIAS_EVENT:
                return take_alias(event);
            case YAML_SCALAR_EVENT:
                return take_scalar(event);
            case YAML_SEQUENCE_START_EVENT:
                return take_start(event, YamlKind::sequence, view(event.data.sequence_start.anchor));
            case YAML_MAPPING_START_EVENT:
                return take_start(event, YamlKind::map, view(event.data.mapping_start.anchor));
            case YAML_SEQUENCE_END_EVENT:
            case YAML_MAPPING_END_EVENT:
                tree_.close();
                return true;
            default:
                return true;
        }
    }

    bool take_scalar(const yaml_event_t& event) {
        const auto& scalar = event.data.scalar;
        const std::string_view text(reinterpret_cast<const char*>(scalar.value), scalar.length);
        const bool plain = scalar.style == YAML_PLAIN_SCALAR_STYLE && scalar.tag == nullptr;
        const auto kind = plain && is_yaml_null(text) ? YamlKind::null : YamlKind::scalar;
        if (!open(event, kind, view(scalar.anchor), kind == YamlKind::scalar ? text : std::string_view{})) return false;
        tree_.close();
        return true;
    }

    bool take_start(const yaml_event_t& event, YamlKind kind, std::string_view anchor) {
        if (tree_.depth() >= kDeepest) {
            return refuse(event.start_mark, fmt::format("nested too deeply; at most {} levels", kDeepest));
        }
        return open(event, kind, anchor);
    }

    bool open(const yaml_event_t& event, YamlKind kind, std::string_view anchor, std::string_view text = {}) {
        const auto& mark = event.start_mark;
        if (tree_.size() >= kMostNodes) {
            return refuse(mark, fmt::format("too many values; at most {} are read", kMostNodes));
        }
        const auto index = tree_.open({.kind = kind,
                                       .line = static_cast<std::uint32_t>(mark.line + 1),
                                       .column = static_cast<std::uint32_t>(mark.column + 1)},
                                      text);
        if (!anchor.empty()) anchors_[std::string(anchor)] = index;
        return true;
    }

    bool take_alias(const yaml_event_t& event) {
        const auto name = view(event.data.alias.anchor);
        const auto anchor = anchors_.find(std::string(name));
        if (anchor == anchors_.end()) return refuse(event.start_mark, fmt::format("no anchor &{} before this", name));
        const auto original = anchor->second;
        if (!tree_.is_closed(original)) {
            return refuse(event.start_mark, fmt::format("*{} is part of what it repeats", name));
        }
        const auto nodes = tree_.end(original) - original;
        copied_ += nodes;
        const bool endless = copied_ > std::max(kMostCopied, text_.size()) || tree_.size() + nodes > kMostNodes;
        if (endless) return refuse(event.start_mark, "repeated too often by aliases");
        tree_.copy(original);
        return true;
    }

    bool refuse(const yaml_mark_t& mark, std::string reason) {
        return refuse(mark.line + 1, mark.column + 1, std::move(reason));
    }

    bool refuse(std::size_t line, std::size_t column, std::string reason) {
        complaints_.list.push_back({.file = complaints_.file,
                                    .line = static_cast<int>(line),
                                    .column = static_cast<int>(column),
                                    .field = "",
                                    .reason = std::move(reason)});
        return false;
    }

    void complain_of_syntax() {
        if (parser_.error == YAML_MEMORY_ERROR) throw std::bad_alloc();
        if (parser_.error == YAML_READER_ERROR) return complain_of_bytes();
        const auto line = parser_.problem_mark.line + 1;
        const auto source = line_of(text_, line);
        if (const auto tab = tab_in_indentation(source)) {
            refuse(line, *tab, "a tab in the indentation; use spaces");
            return;
        }
        const auto column = parser_.problem_mark.column;
        if (column < source.size() && source[column] == '\t') {
            refuse(line, column + 1, "a tab; use spaces");
            return;
        }
        auto reason = problem();
        if (const auto hint = quote_hint_of_line(source)) {
            reason += "; " + *hint;
        } else if (const auto open = unclosed_quote(text_, line)) {
            reason += fmt::format("; line {} has a quote that is not closed", *open);
        } else if (const auto space = first_without_space(line)) {
            reason += "; " + *space;
        }
        refuse(parser_.problem_mark, std::move(reason));
    }

    /// libyaml may notice it only on the line after.
    [[nodiscard]] std::optional<std::string> first_without_space(std::size_t line) const {
        for (const auto number : {line, line - 1}) {
            const auto hint = number == 0 ? std::nullopt : space_hint_of_line(line_of(text_, number));
            if (hint) return fmt::format("line {}: {}", number, *hint);
        }
        return std::nullopt;
    }

    /// libyaml's words, such as "did not find expected ',' or ']' while parsing a flow sequence from line 3 on".
    [[nodiscard]] std::string problem() const {
        std::string reason = parser_.problem == nullptr ? "no YAML" : parser_.problem;
        if (parser_.context == nullptr) return reason;
        reason += fmt::format(" {}", parser_.context);
        const auto begin = parser_.context_mark.line;
        if (begin != parser_.problem_mark.line) reason += fmt::format(" from line {} on", begin + 1);
        return reason;
    }

    /// Bytes that are no text: libyaml names their offset only.
    void complain_of_bytes() {
        const auto before = std::string_view(text_).substr(0, std::min(parser_.problem_offset, text_.size()));
        const auto line_begin = before.rfind('\n') + 1;  // npos + 1 is 0
        const auto line = static_cast<std::size_t>(std::ranges::count(before, '\n')) + 1;
        const auto column = std::ranges::count_if(
            before.substr(line_begin), [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80; });
        refuse(line, static_cast<std::size_t>(column) + 1, parser_.problem);
    }

    const std::string& text_;
    YamlTree& tree_;
    Complaints& complaints_;
    yaml_parser_t parser_{};
    std::unordered_map<std::string, YamlIndex> anchors_;
    std::size_t documents_ = 0;
    std::size_t copied_ = 0;
};

/// The keys of a map that were given before, in the order of the file.
std::vector<YamlIndex> repeated_keys(const YamlTree& tree, YamlIndex map, std::vector<YamlIndex>& keys) {
    keys.clear();
    for (auto key = tree.begin(map); key != tree.end(map); key = tree.next(tree.next(key))) {
        if (tree.is(key, YamlKind::scalar)) keys.push_back(key);
    }
    const auto text = [&](YamlIndex key) { return tree.text(key); };
    std::ranges::stable_sort(keys, {}, text);
    std::vector<YamlIndex> repeated;
    for (std::size_t at = 1; at < keys.size(); ++at) {
        if (text(keys[at]) == text(keys[at - 1])) repeated.push_back(keys[at]);
    }
    return repeated;
}

void check_keys(const YamlTree& tree, Complaints& complaints) {
    std::vector<YamlIndex> repeated;
    std::vector<YamlIndex> keys;
    for (YamlIndex index = 0; index < tree.size(); ++index) {
        if (!tree.is(index, YamlKind::map)) continue;
        const auto more = repeated_keys(tree, index, keys);
        repeated.insert(repeated.end(), more.begin(), more.end());
    }
    std::ranges::sort(repeated);
    for (const auto key : repeated) {
        complaints.list.push_back({.file = complaints.file,
                                   .line = static_cast<int>(tree.node(key).line),
                                   .column = static_cast<int>(tree.node(key).column),
                                   .field = tree.path(key),
                                   .reason = "given twice"});
    }
}

}  // namespace

std::optional<YamlTree> parse_yaml(const std::string& text, Complaints& complaints) {
    if (text.size() > kLargestFile) {
        complaints.list.push_back({.file = complaints.file, .field = "", .reason = "too large to be read"});
        return std::nullopt;
    }
    YamlTree tree;
    Parser(text, tree, complaints).run();
    if (complaints.empty()) check_keys(tree, complaints);
    if (!complaints.empty()) return std::nullopt;
    return tree;
}

}  // namespace sidestep
