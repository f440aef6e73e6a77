// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "exporter/text_page.hpp"

#include <array>
#include <cmath>
#include <iterator>
#include <utility>

#include <fmt/format.h>

namespace sidestep::exporter {
namespace {

constexpr std::array<std::string_view, 3> kTypes{"gauge", "counter", "histogram"};
constexpr double kExact = 1e15;  // whole numbers up to here are written as such

}  // namespace

std::string label(std::string_view name, std::string_view value) {
    std::string text = fmt::format("{}=\"", name);
    for (const char c : value) {
        if (c == '\n') {
            text += "\\n";
        } else {
            if (c == '\\' || c == '"') text += '\\';
            text += c;
        }
    }
    text += '"';
    return text;
}

void append_value(std::string& text, std::uint64_t value) {
    const fmt::format_int digits(value);
    text.append(digits.data(), digits.size());
}

void append_value(std::string& text, double value) {
    if (value >= 0 && value < kExact && value == std::floor(value))
        return append_value(text, static_cast<std::uint64_t>(value));
    fmt::format_to(std::back_inserter(text), "{}", value);
}

std::string& TextPage::of(const Family& family) {
    auto& text = families_[family.name];
    if (text.empty()) {
        text = fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", family.name, family.help,
                           kTypes.at(static_cast<std::size_t>(family.type)));
    }
    return text;
}

void TextPage::add(const Family& family, std::string_view labels, double value) {
    auto& text = of(family);
    text += family.name;
    text += '{';
    text += labels;
    text += "} ";
    append_value(text, value);
    text += '\n';
}

std::vector<std::string> TextPage::take() {
    std::vector<std::string> all;
    for (auto& [name, text] : families_) all.push_back(std::move(text));
    families_.clear();
    return all;
}

}  // namespace sidestep::exporter
