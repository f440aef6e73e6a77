// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "doctor/finding.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace sidestep {
namespace {

Severity worst(const Findings& findings) {
    Severity result = Severity::note;
    for (const auto& finding : findings) result = std::max(result, finding.severity);
    return result;
}

Findings by_severity(Findings findings) {
    std::ranges::stable_sort(findings, std::ranges::greater(), &Finding::severity);
    return findings;
}

}  // namespace

std::string_view to_string(Severity severity) {
    switch (severity) {
        case Severity::error:
            return "error";
        case Severity::warning:
            return "warning";
        case Severity::note:
            break;
    }
    return "note";
}

int exit_code_of(const Findings& findings) {
    return static_cast<int>(worst(findings));
}

std::string to_text(const Findings& findings) {
    if (findings.empty()) return "nothing found that keeps Sidestep from working\n";
    std::string text;
    for (const auto& finding : by_severity(findings)) {
        text += fmt::format("{}: {}: {}\n", to_string(finding.severity), finding.subject, finding.text);
        if (!finding.command.empty()) text += fmt::format("    {}\n", finding.command);
    }
    return text;
}

nlohmann::json to_json(const Findings& findings) {
    auto list = nlohmann::json::array();
    for (const auto& finding : by_severity(findings)) {
        list.push_back({{"severity", to_string(finding.severity)},
                        {"subject", finding.subject},
                        {"text", finding.text},
                        {"command", finding.command.empty() ? nlohmann::json() : nlohmann::json(finding.command)}});
    }
    return {{"severity", findings.empty() ? "fine" : std::string(to_string(worst(findings)))}, {"findings", list}};
}

}  // namespace sidestep
