// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Holds answers of the API against the schemas in docs/api.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "tests/net/protected_lab.hpp"
#include "topo/process.hpp"

namespace sidestep::topo {

/// A line of what mismatches() reads: the answer, and the name of its schema.
inline std::string line_to_validate(const std::string& schema, const json& answer) {
    return json{{"schema", schema}, {"answer", answer}}.dump() + '\n';
}

/// What does not fit, a line each; empty if all fits.
inline std::string mismatches(const std::string& lines) {
    const auto checked =
        run({"/usr/bin/python3", SIDESTEP_NET_TESTS "/validate_answer.py", SIDESTEP_NET_TESTS "/../../docs/api"},
            {.input = lines}, kPatience);
    return checked ? *checked : checked.error().message;
}

}  // namespace sidestep::topo
