// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Makes texts that are nearly right, reproducibly by seed; readers of files must survive them.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

namespace sidestep {

class Mutator {
  public:
    explicit Mutator(std::uint64_t seed) : engine_(seed) {}

    /// `text` with one to eight small defects.
    std::string damage(std::string text) {
        for (auto left = 1 + below(8); left > 0; --left) damage_once(text);
        return text;
    }

  private:
    std::size_t below(std::size_t limit) { return limit == 0 ? 0 : engine_() % limit; }

    /// Pieces of YAML, numbers and addresses, valid and invalid.
    std::string_view token() {
        static constexpr std::array<std::string_view, 36> kTokens{
            "\n",     "\n\n",  "\t",    "  ",   "- ",   ": ",   ":",
            "::",     "{",     "}",     "[",    "]",    ",",    "\"",
            "'",      "#",     "|",     ">",    "&a ",  "*a",   "? ",
            "!!str ", "---\n", "...\n", "null", "~",    "true", "0",
            "-1",     "1e999", "1ms",   "::/0", "\xff", "\xc3", "\xef\xbb\xbf",
            "%"};
        return kTokens.at(below(kTokens.size()));
    }

    void damage_once(std::string& text) {
        const auto at = below(text.size() + 1);
        const auto length = std::min(below(20), text.size() - at);
        switch (below(6)) {
            case 0:
                text.erase(at, length);
                break;
            case 1:
                text.insert(at, token());
                break;
            case 2:
                text.replace(at, length, token());
                break;
            case 3:  // something from elsewhere in the text
                text.insert(at, std::string(text.substr(below(text.size() + 1), below(60))));
                break;
            case 4:
                if (at < text.size()) text[at] = static_cast<char>(engine_());
                break;
            default:
                text.insert(at, std::string(below(100), std::string_view("[{ 9:\t")[below(6)]));
                break;
        }
    }

    std::mt19937_64 engine_;
};

}  // namespace sidestep
