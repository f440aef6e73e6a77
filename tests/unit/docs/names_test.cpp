// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The pages name files, headings and identifiers. Each of them must exist, so that moving or renaming one without
// its page fails here.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidestep {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;

const fs::path kRoot = SIDESTEP_SOURCE_DIR;

std::string read(const fs::path& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
}

/// All files of the repository; neither what was built nor Git's own.
const std::vector<fs::path>& files() {
    static const auto all = [] {
        std::vector<fs::path> found;
        for (auto it = fs::recursive_directory_iterator(kRoot); it != fs::recursive_directory_iterator(); ++it) {
            const auto name = it->path().filename();
            if (name == ".git" || (it.depth() == 0 && name == "build")) {
                it.disable_recursion_pending();
            } else if (it->is_regular_file()) {
                found.push_back(it->path());
            }
        }
        return found;
    }();
    return all;
}

std::vector<fs::path> pages() {
    std::vector<fs::path> found;
    for (const auto& file : files()) {
        if (file.extension() == ".md") found.push_back(file);
    }
    return found;
}

/// The first group of every match of `pattern` in `text`.
std::vector<std::string> matches(const std::string& text, const char* pattern) {
    const std::regex regex(pattern, std::regex::ECMAScript | std::regex::multiline);
    std::vector<std::string> found;
    for (auto it = std::sregex_iterator(text.begin(), text.end(), regex); it != std::sregex_iterator(); ++it) {
        found.push_back((*it)[1]);
    }
    return found;
}

std::vector<std::string> links(const std::string& page) {
    return matches(page, R"(\]\(([^)\s]+)\))");
}

std::vector<std::string> quoted(const std::string& page) {
    return matches(page, "`([^`\n]+)`");
}

/// The anchors that a page's headings have on GitHub.
std::vector<std::string> anchors(const std::string& page) {
    auto found = matches(page, "^#+ (.*)$");
    for (auto& heading : found) {
        std::string anchor;
        for (const char c : heading) {
            if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_') {
                anchor += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
            }
            if (c == ' ') anchor += '-';
        }
        heading = anchor;
    }
    return found;
}

/// Whether `link`, as `page` gives it, leads to a file and, after a '#', to a heading of it.
bool resolves(const fs::path& page, const std::string& link) {
    if (link.find("://") != std::string::npos) return true;
    const auto hash = link.find('#');
    const auto path = link.substr(0, hash);
    const auto target = path.empty() ? page : page.parent_path() / path;
    if (!fs::exists(target)) return false;
    if (hash == std::string::npos) return true;
    return std::ranges::count(anchors(read(target)), link.substr(hash + 1)) > 0;
}

/// "detector/core/damping.cpp", also without its ending or with ".*" in its place; a folder with or without "/".
bool is_in_repository(const std::string& name) {
    const auto stem = name.substr(0, name.find('*'));
    if (fs::exists(kRoot / stem)) return true;
    return std::ranges::any_of(files(), [&](const fs::path& file) {
        const auto relative = fs::relative(file, kRoot).string();
        return relative.starts_with(stem.ends_with('.') ? stem : stem + '.');
    });
}

bool is_path(const std::string& text) {
    static const std::regex path(
        R"((\./|\.ci/|(bpf|cli|cmake|common|debian|detector|docs|exporter|packaging|routing|tests|topo)/)[\w./*-]*)");
    return std::regex_match(text, path);
}

/// A file's name without its folder; "NAME.cpp" stands for any.
bool is_source_name(const std::string& text) {
    static const std::regex name(R"((?!NAME)[\w-]+\.(h|hpp|cpp|bpf\.c|cmake))");
    return std::regex_match(text, name);
}

bool is_abi_name(const std::string& text) {
    static const std::regex name(R"(((ss|SS)_\w+)(\(\)|\.\w+)?)");
    return std::regex_match(text, name);
}

bool is_test_name(const std::string& text) {
    static const std::regex name(R"([A-Z]\w+\.[A-Z]\w+)");
    return std::regex_match(text, name);
}

/// All sources below `folder`, one after the other.
std::string sources(const char* folder) {
    std::string text;
    for (const auto& file : files()) {
        const bool code = is_source_name(file.filename().string());
        if (code && fs::relative(file, kRoot).string().starts_with(folder)) text += read(file);
    }
    return text;
}

/// Of all the pages' text in backticks that `concerns` picks, "PAGE: TEXT" for each that does not exist.
template <typename Concerns, typename Exists>
std::vector<std::string> missing(Concerns concerns, Exists exists) {
    std::vector<std::string> found;
    for (const auto& page : pages()) {
        for (const auto& text : quoted(read(page))) {
            if (concerns(text) && !exists(text)) found.push_back(fs::relative(page, kRoot).string() + ": " + text);
        }
    }
    return found;
}

TEST(Pages, AreFound) {
    EXPECT_THAT(pages(), IsSupersetOf({kRoot / "README.md", kRoot / "docs/architecture.md"}));
    EXPECT_THAT(links("see [a](b.md) and [c](d#e)"), ::testing::ElementsAre("b.md", "d#e"));
    EXPECT_THAT(anchors("text\n## One & two: a `b-c`\n"), ::testing::ElementsAre("one--two-a-b-c"));
}

TEST(Pages, LinksResolve) {
    std::vector<std::string> broken;
    for (const auto& page : pages()) {
        for (const auto& link : links(read(page))) {
            if (!resolves(page, link)) broken.push_back(fs::relative(page, kRoot).string() + ": " + link);
        }
    }
    EXPECT_THAT(broken, IsEmpty());
    EXPECT_FALSE(resolves(kRoot / "README.md", "docs/none.md"));
    EXPECT_FALSE(resolves(kRoot / "README.md", "docs/kernel.md#none"));
}

TEST(Pages, NamedFilesExist) {
    EXPECT_THAT(missing(is_path, is_in_repository), IsEmpty());
    EXPECT_FALSE(is_in_repository("detector/core/none"));
    EXPECT_TRUE(is_in_repository("detector/core/damping"));
}

TEST(Pages, NamedSourcesExist) {
    std::vector<std::string> names;
    for (const auto& file : files()) names.push_back(file.filename().string());
    EXPECT_THAT(names, Contains("judge.h"));
    EXPECT_THAT(names, Not(Contains("none.h")));
    EXPECT_THAT(missing(is_source_name, [&](const auto& text) { return std::ranges::count(names, text) > 0; }),
                IsEmpty());
}

TEST(Pages, NamedPartsOfTheAbiExist) {
    const auto code = sources("bpf/") + sources("tests/bench/");
    const auto exists = [&](const std::string& text) {
        const auto end = text.find_first_of("(.");
        return code.find(text.substr(0, end)) != std::string::npos &&
               (end == std::string::npos || text[end] == '(' || code.find(text.substr(end + 1)) != std::string::npos);
    };
    EXPECT_TRUE(exists("ss_repair_state.active"));
    EXPECT_FALSE(exists("ss_no_such_thing"));
    EXPECT_THAT(missing(is_abi_name, exists), IsEmpty());
}

TEST(Pages, NamedTestsExist) {
    const auto code = sources("tests/");
    const auto exists = [&](const std::string& text) {
        const auto dot = text.find('.');
        return code.find("(" + text.substr(0, dot) + ", " + text.substr(dot + 1) + ")") != std::string::npos;
    };
    EXPECT_TRUE(exists("Pages.AreFound"));
    EXPECT_THAT(missing(is_test_name, exists), IsEmpty());
}

/// The keys that the readers in this code know.
std::vector<std::string> known_keys(const std::string& code) {
    std::vector<std::string> known;
    for (const auto& keys : matches(code, R"(expect_map\(\{([^}]*)\}\))")) {
        for (const auto& key : matches(keys, "\"([^\"]+)\"")) known.push_back(key);
    }
    return known;
}

/// The keys that a page describes.
std::vector<std::string> documented_keys(const std::string& page) {
    const auto man = read(kRoot / "docs/man" / page);
    auto documented = matches(man, R"(^\.It Cm (\S+))");
    for (const auto& section : matches(man, R"(^\.Ss (\S+))")) documented.push_back(section);
    return documented;
}

TEST(ManPage, HasTheKeysOfTheConfigurationAndNoOthers) {
    const auto code = sources("detector/config/") + sources("detector/core/");
    const auto known = known_keys(code);
    const auto documented = documented_keys("sidestep.yaml.5");
    EXPECT_THAT(known, IsSupersetOf({"return-address", "wait-to-restore", "policies"}));
    for (const auto& key : known) EXPECT_THAT(documented, Contains(key));
    for (const auto& key : documented) EXPECT_THAT(code, ::testing::HasSubstr('"' + key + '"'));
}

TEST(ManPage, HasTheKeysOfATopologyAndNoOthers) {
    const auto known = known_keys(sources("routing/io/"));
    EXPECT_THAT(known, IsSupersetOf({"nodes", "reverse-metric", "locator"}));
    EXPECT_THAT(documented_keys("sidestep-topology.5"), ::testing::UnorderedElementsAreArray(known));
}

}  // namespace
}  // namespace sidestep
