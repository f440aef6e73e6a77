// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Complaints and warnings about a file that people write: each names file, line, column, field and reason, and all of
// them are collected before anything is done.
#pragma once

#include <string>
#include <vector>

namespace sidestep {

/// One complaint about a file; line and column count from 1, 0 where there is none.
struct Complaint {
    std::string file;
    int line = 0;
    int column = 0;
    std::string field;
    std::string reason;

    /// "a.yaml:3:5: adjacencies[0].interface: no such interface".
    [[nodiscard]] std::string to_string() const;
};

/// The complaints about one file, in the order they were found. Warnings do not make the file invalid.
struct Complaints {
    std::string file;
    std::vector<Complaint> list;
    std::vector<Complaint> warnings{};

    /// True if the file is valid, whether there are warnings or not.
    [[nodiscard]] bool empty() const { return list.empty(); }
    /// One complaint a line; warnings are not among them.
    [[nodiscard]] std::string to_string() const;
};

}  // namespace sidestep
