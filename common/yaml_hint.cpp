// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Looks at lines of a text that is not good YAML, or not the YAML that was meant.
#include "common/yaml_hint.hpp"

#include <algorithm>
#include <regex>

#include <fmt/format.h>

#include "common/address.hpp"
#include "common/yaml_scalar.hpp"

namespace sidestep {
namespace {

constexpr std::string_view kOfAddresses = "0123456789abcdefABCDEF:./";

bool is_address(std::string_view word) {
    return word.find(':') != std::string_view::npos && Address::parse(word.substr(0, word.find('/')));
}

std::string quoted(std::string_view word) {
    return fmt::format("quote it: \"{}\"", word);
}

/// Where a comment begins, or the end.
std::size_t end_of_content(std::string_view line) {
    for (std::size_t at = 0; at < line.size(); ++at) {
        if (line[at] == '#' && (at == 0 || line[at - 1] == ' ' || line[at - 1] == '\t')) return at;
    }
    return line.size();
}

}  // namespace

std::string_view line_of(std::string_view text, std::size_t line) {
    for (std::size_t at = 1; at < line; ++at) {
        const auto end = text.find('\n');
        if (end == std::string_view::npos) return {};
        text.remove_prefix(end + 1);
    }
    text = text.substr(0, text.find('\n'));
    if (text.ends_with('\r')) text.remove_suffix(1);
    return text;
}

std::optional<std::size_t> tab_in_indentation(std::string_view line) {
    const auto at = line.find_first_not_of(' ');
    if (at == std::string_view::npos || line[at] != '\t') return std::nullopt;
    return at + 1;
}

std::optional<std::string> quote_hint_of_line(std::string_view line) {
    line = line.substr(0, end_of_content(line));
    for (std::size_t begin = 0; begin < line.size();) {
        begin = std::min(line.find_first_of(kOfAddresses, begin), line.size());
        const auto end = std::min(line.find_first_not_of(kOfAddresses, begin), line.size());
        const auto word = line.substr(begin, end - begin);
        const bool stumbles = word.starts_with(':') || word.ends_with(':');
        const bool in_quotes = begin > 0 && (line[begin - 1] == '"' || line[begin - 1] == '\'');
        if (stumbles && !in_quotes && is_address(word)) return quoted(word);
        begin = end;
    }
    return std::nullopt;
}

std::optional<std::size_t> unclosed_quote(std::string_view text, std::size_t last) {
    for (std::size_t number = 1; number <= last && !text.empty(); ++number) {
        const auto line = text.substr(0, text.find('\n'));
        if (std::ranges::count(line.substr(0, end_of_content(line)), '"') % 2 != 0) return number;
        text.remove_prefix(std::min(line.size() + 1, text.size()));
    }
    return std::nullopt;
}

std::optional<std::string> space_hint_of_line(std::string_view line) {
    static const std::regex key(R"((?:^|[\s{,])([a-z][a-z-]{2,}):[^\s:"'])");
    const std::string content(line.substr(0, end_of_content(line)));
    std::smatch found;
    if (!std::regex_search(content, found, key)) return std::nullopt;
    return fmt::format("a space is missing after `{}:`", found[1].str());
}

std::optional<std::string> quote_hint_of_key(std::string_view key) {
    const auto word = std::string(key) + ':';
    return is_address(word) ? std::optional(quoted(word)) : std::nullopt;
}

std::string address_hint(std::string_view text) {
    for (const std::string_view quote : {"\u201c", "\u201d", "\u2018", "\u2019"}) {
        if (text.find(quote) != std::string_view::npos) return R"(; its quotes are typographic ones, use ")";
    }
    if (text.find_first_of("\"'") != std::string_view::npos) return "; a quote is missing, or one too many";
    const auto end = text.find_first_of("%/");
    if (end == std::string_view::npos || !Address::parse(text.substr(0, end))) return {};
    return fmt::format("; leave out {}", text.substr(end));
}

std::string prefix_hint(std::string_view text) {
    if (text == "default") return R"(; all destinations are "::/0" and "0.0.0.0/0")";
    const auto slash = text.find('/');
    const auto address = Address::parse(text.substr(0, slash));
    if (!address || slash == std::string_view::npos) return {};
    const auto length = parse_yaml_integer(text.substr(slash + 1));
    if (!length || *length < 0 || *length > (address->is_v4() ? 32 : 128)) return {};
    const auto bits = static_cast<std::uint8_t>(*length + (address->is_v4() ? 96 : 0));
    return fmt::format(R"(; {} is in "{}")", text.substr(0, slash), Prefix::covering(*address, bits).to_string());
}

}  // namespace sidestep
