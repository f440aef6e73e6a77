// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests that what has to be kept alike in two places is.
#include <fstream>
#include <iterator>
#include <regex>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidestep {
namespace {

using testing::Contains;
using testing::HasSubstr;

std::string read(const std::string& file) {
    std::ifstream in(std::string(SIDESTEP_SOURCE_DIR "/") + file);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::set<std::string> all(const std::string& text, const char* pattern) {
    const std::regex regex(pattern, std::regex::ECMAScript | std::regex::multiline);
    std::set<std::string> found;
    for (auto it = std::sregex_iterator(text.begin(), text.end(), regex); it != std::sregex_iterator(); ++it)
        found.insert((*it)[1]);
    return found;
}

TEST(DebianPackage, BuildsWithThePackagesThatRunInstalls) {
    const auto control = read("debian/control");
    const auto needs = all(control.substr(0, control.find("\nPackage:")), "^ ([a-z0-9.+-]+),$");
    auto installed = all(read("packages.txt"), "^(?:build|exporter) +(\\S+)$");
    for (const auto* helper : {"g++", "ccache", "procps", "iproute2"}) installed.erase(helper);
    EXPECT_EQ(needs, installed);
}

TEST(DebianPackage, HasTheVersionOfTheProject) {
    const auto version = *all(read("CMakeLists.txt"), "^project\\(sidestep VERSION (\\S+)").begin();
    EXPECT_THAT(read("debian/changelog"), testing::StartsWith("sidestep (" + version + ")"));
}

// Commands that a shell does not complete would be forgotten sooner or later.
TEST(Completion, KnowsTheCommandsOfTheManPage) {
    const auto commands = all(read("docs/man/sidestep.8"), "^\\.It Cm (\\S+)");
    EXPECT_THAT(commands, Contains("events"));
    for (const auto* file : {"packaging/completion/sidestep.bash", "packaging/completion/_sidestep"}) {
        for (const auto& command : commands) EXPECT_THAT(read(file), HasSubstr(command)) << file;
    }
}

TEST(Alerts, UseMetricsThatExist) {
    const auto code = read("exporter/metrics.cpp") + read("exporter/session_metrics.cpp");
    const auto used =
        all(read("packaging/prometheus/sidestep.rules.yml") + read("packaging/prometheus/sidestep.dashboard.json"),
            "\\b(sidestep_[a-z_]+)\\b");
    EXPECT_THAT(used, Contains("sidestep_session_up"));
    for (const auto& name : used) {
        const auto family = std::regex_replace(name, std::regex("_(bucket|sum|count)$"), "");
        EXPECT_TRUE(code.contains('"' + family + '"')) << family;
    }
}

}  // namespace
}  // namespace sidestep
