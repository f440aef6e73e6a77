// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Runs the README's quick start, from its own text: whoever copies it gets what it promises.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <regex>
#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "topo/daemon.hpp"
#include "topo/process.hpp"

namespace sidestep::topo {
namespace {

namespace fs = std::filesystem;
using testing::ContainsRegex;
using testing::HasSubstr;

constexpr std::string_view kFence = "```sh quick-start";
constexpr int kMostLost = 10;  // of 300; at 10 ms between packets 0 or 1 on a machine that is not overloaded

/// What stands in the fenced blocks with the marker, one after the other.
std::string quick_start() {
    std::ifstream readme(SIDESTEP_ROOT "/README.md");
    std::string script;
    bool inside = false;
    for (std::string line; std::getline(readme, line);) {
        if (line.starts_with("```")) {
            inside = line == kFence;
        } else if (inside) {
            script += line + '\n';
        }
    }
    return script;
}

/// A folder that looks like the repository with programs built, for commands that are run in it.
class Folder {
  public:
    Folder() {
        const auto programs = fs::path(Daemon::executable().value()).parent_path();
        fs::create_directories(path_ / "build/release");
        fs::create_directory_symlink(programs, path_ / "build/release/bin");
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    [[nodiscard]] std::string text(const std::string& name) const {
        std::ostringstream text;
        text << std::ifstream(path_ / name).rdbuf();
        return text.str();
    }
    [[nodiscard]] const fs::path& path() const { return path_; }

  private:
    static fs::path make() {
        std::string name = "/tmp/sidestep-XXXXXX";
        return ::mkdtemp(name.data()) == nullptr ? fs::path("/nowhere") : fs::path(name);
    }
    fs::path path_ = make();
};

/// The README's names of namespaces and its run directory are common ones: they get a /run of their own, and processes
/// that end with the shell.
std::string run_apart(const std::string& script, const fs::path& folder) {
    std::ofstream(folder / "script") << "mount -t tmpfs none /run && cd " + folder.string() + " || exit 1\nset -e\n" +
                                            script + "echo THE END\n";
    auto process = Process::spawn({"unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc",
                                   "bash", (folder / "script").string()});
    if (!process) return process.error().message;
    (void)process->wait(std::chrono::seconds(100));
    return process->output();
}

std::optional<int> lost(const std::string& output) {
    std::smatch found;
    const std::regex words("([0-9]+) packets transmitted, ([0-9]+) received");
    if (!std::regex_search(output, found, words)) return std::nullopt;
    return std::stoi(found[1]) - std::stoi(found[2]);
}

/// The output of the nth command of this name, from its title on.
std::string nth_table(const std::string& output, const std::string& title, int n) {
    std::size_t at = output.find(title);
    for (; n > 0 && at != std::string::npos; --n) at = output.find(title, at + 1);
    return at == std::string::npos ? "" : output.substr(at, output.find(title, at + 1) - at);
}

TEST(QuickStart, KeepsItsPromise) {
    const auto script = quick_start();
    ASSERT_THAT(script, HasSubstr("sidestepd --config a.yaml"));
    ASSERT_THAT(script, HasSubstr("bridge -n switch link set dev A state 0"));
    const Folder folder;
    const auto output = run_apart(script, folder.path());
    SCOPED_TRACE("output:\n" + output + "\na.log:\n" + folder.text("a.log") + "\nb.log:\n" + folder.text("b.log"));
    ASSERT_THAT(output, HasSubstr("THE END"));
    ASSERT_TRUE(lost(output)) << "ping says nothing";
    EXPECT_LE(*lost(output), kMostLost);
    // After the cut, both routers use the second candidate; after the mending, A uses the first one.
    EXPECT_THAT(nth_table(output, "POLICY  PREFIXES         CANDIDATE", 0),
                ContainsRegex("1  \\*       up +verified +A-C"));
    EXPECT_THAT(nth_table(output, "POLICY  PREFIXES         CANDIDATE", 1),
                ContainsRegex("1  \\*       up +verified +B-C"));
    EXPECT_THAT(nth_table(output, "POLICY  PREFIXES         CANDIDATE", 2),
                ContainsRegex("0  \\*       up +whole +A-B"));
    EXPECT_THAT(folder.text("a.log"), HasSubstr("session A-B: down (unanswered)"));
    EXPECT_THAT(folder.text("b.log"), HasSubstr("session B-A: down (unanswered)"));
}

}  // namespace
}  // namespace sidestep::topo
