// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What docs/api.md (and the man page that is made of it) says of JSON, compared with JSON.
#pragma once

#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>

#include <nlohmann/json.hpp>

namespace sidestep::topo {

/// All names in backticks of one section; with `first`, only those of the first column of its tables.
inline std::set<std::string> documented(const std::string& section, bool first) {
    std::ifstream file(SIDESTEP_DOCS "/api.md");
    std::set<std::string> names;
    bool inside = false;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with('#')) inside = line == "### " + section || line == "## " + section;
        if (!inside || (first && !line.starts_with('|'))) continue;
        const auto text = first ? line.substr(0, line.find('|', 1)) : line;
        static const std::regex quoted("`([^`]+)`");
        for (auto it = std::sregex_iterator(text.begin(), text.end(), quoted); it != std::sregex_iterator(); ++it) {
            static const std::regex word("[A-Za-z0-9_-]+");
            const auto quote = (*it)[1].str();
            for (auto part = std::sregex_iterator(quote.begin(), quote.end(), word); part != std::sregex_iterator();
                 ++part)
                names.insert(part->str());
        }
    }
    return names;
}

/// A number is no name: it counts something.
inline bool is_number(const std::string& key) {
    return key.find_first_not_of("0123456789") == std::string::npos;
}

inline void collect_keys(const nlohmann::json& value, std::set<std::string>& keys) {
    if (!value.is_structured()) return;
    for (const auto& item : value.items()) {
        if (value.is_object() && !is_number(item.key())) keys.insert(item.key());
        collect_keys(item.value(), keys);
    }
}

/// The keys of an object and of all in it.
inline std::set<std::string> keys_of(const nlohmann::json& value) {
    std::set<std::string> keys;
    collect_keys(value, keys);
    return keys;
}

/// What is in `some` and not in `others`, for people.
inline std::string beyond(const std::set<std::string>& some, const std::set<std::string>& others) {
    std::string text;
    for (const auto& name : some) {
        if (!others.contains(name)) text += name + ' ';
    }
    return text;
}

}  // namespace sidestep::topo
