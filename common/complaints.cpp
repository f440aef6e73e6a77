// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Complaints as text.
#include "common/complaints.hpp"

#include <fmt/format.h>

namespace sidestep {

std::string Complaint::to_string() const {
    auto text = file;
    if (line > 0) text += fmt::format(":{}:{}", line, column);
    if (!field.empty()) text += ": " + field;
    return text + ": " + reason;
}

std::string Complaints::to_string() const {
    std::string text;
    for (const auto& complaint : list) {
        if (!text.empty()) text += '\n';
        text += complaint.to_string();
    }
    return text;
}

}  // namespace sidestep
