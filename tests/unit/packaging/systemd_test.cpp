// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests the units with systemd's own tools.
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace sidestep {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

std::string read(const fs::path& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
}

struct Ended {
    int code = -1;
    std::string output;
};

Ended shell(const std::string& command) {
    Ended ended;
    FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
    std::array<char, 4096> chunk{};
    while (const auto count = std::fread(chunk.data(), 1, chunk.size(), pipe)) ended.output.append(chunk.data(), count);
    const int status = ::pclose(pipe);
    ended.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return ended;
}

constexpr std::array kServices{"sidestep.service", "sidestep@.service", "sidestep-exporter.service"};

/// The units in a folder of their own, as they are installed, with programs that exist everywhere.
class Units : public testing::Test {
  protected:
    void SetUp() override {
        if (shell("command -v systemd-analyze").code != 0) GTEST_SKIP() << "the package systemd is not installed";
        fs::create_directories(folder_);
        for (const auto* name : kServices) {
            static const std::regex program("=/\\S*/(sidestep(d|-exporter)?|kill|chown)\\b");
            const auto text = read(fs::path(SIDESTEP_BUILT_UNITS) / name);
            std::ofstream(folder_ / installed(name)) << std::regex_replace(text, program, "=/bin/true");
        }
        fs::copy_file(SIDESTEP_SOURCE_DIR "/packaging/systemd/run-sidestep-bpf.mount",
                      folder_ / "run-sidestep-bpf.mount", fs::copy_options::overwrite_existing);
    }
    void TearDown() override { fs::remove_all(folder_); }
    static std::string installed(const std::string& name) {
        return name == "sidestep@.service" ? "sidestep@A.service" : name;
    }

    fs::path folder_ = fs::temp_directory_path() / fmt::format("sidestep-units-{}", ::getpid());
};

TEST_F(Units, SystemdFindsNoFault) {
    const auto verified =
        shell(fmt::format("SYSTEMD_UNIT_PATH={0}: systemd-analyze verify --man=no {0}/sidestep.service "
                          "{0}/sidestep@A.service {0}/run-sidestep-bpf.mount {0}/sidestep-exporter.service",
                          folder_.string()));
    EXPECT_EQ(verified.code, 0) << verified.output;
    for (const auto* unit :
         {"sidestep.service", "sidestep@A.service", "run-sidestep-bpf.mount", "sidestep-exporter.service"})
        EXPECT_THAT(verified.output, testing::Not(HasSubstr(unit)));
}

TEST_F(Units, ExposeLittle) {
    for (const auto* name : {"sidestep.service", "sidestep@A.service", "sidestep-exporter.service"}) {
        const auto rated = shell(fmt::format("systemd-analyze security --no-pager --offline=true --threshold=30 {}",
                                             (folder_ / name).string()));
        if (rated.output.find("unrecognized option") != std::string::npos)
            GTEST_SKIP() << "systemd-analyze has no --offline (systemd 250)";
        EXPECT_EQ(rated.code, 0) << rated.output;
    }
}

// The two differ in what tells nodes apart only.
TEST_F(Units, TheTemplateIsTheSameButForItsNode) {
    auto text = read(fs::path(SIDESTEP_BUILT_UNITS) / "sidestep@.service");
    text = text.substr(text.find("[Unit]"));
    for (const auto& [from, to] : {std::pair(R"(NetworkNamespacePath=[^\n]*\n)", ""), std::pair(R"( \(%i\))", ""),
                                   std::pair("sidestep/%i\\.yaml", "sidestep/sidestep.yaml")})
        text = std::regex_replace(text, std::regex(from), to);
    const auto plain = read(fs::path(SIDESTEP_BUILT_UNITS) / "sidestep.service");
    EXPECT_EQ(text, plain.substr(plain.find("[Unit]")));
}

}  // namespace
}  // namespace sidestep
