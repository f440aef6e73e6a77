// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What `sidestep doctor` says: what is wrong, and the command that mends it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace sidestep {

enum class Severity : std::uint8_t {
    note,     ///< worth knowing; nothing is wrong
    warning,  ///< works, but less well than asked for, or only while all is well
    error,    ///< keeps something from working
};

struct Finding {
    Severity severity = Severity::note;
    std::string subject;  ///< the session, policy, interface... that it is about
    std::string text;     ///< one sentence: what is wrong and what follows from it
    std::string command;  ///< that mends or shows it; empty: there is none

    bool operator==(const Finding&) const = default;
};

using Findings = std::vector<Finding>;

std::string_view to_string(Severity severity);
/// 0: fine, or notes only; 1: warnings; 2: errors.
int exit_code_of(const Findings& findings);
/// For people: errors first, in the order of the findings otherwise. "nothing found" if there are none.
std::string to_text(const Findings& findings);
/// {"severity", "findings": [{"severity", "subject", "text", "command"}]}
nlohmann::json to_json(const Findings& findings);

}  // namespace sidestep
