// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What a successor reads of clients' sessions, and that nonsense is none.
#include "detector/app/client_file.hpp"

#include <chrono>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace sidestep {
namespace {

using namespace std::chrono_literals;

class ClientFile : public testing::Test {
  protected:
    void TearDown() override { std::filesystem::remove(path_); }
    const std::string path_ = std::filesystem::temp_directory_path() / ("sidestep-clients-" + std::to_string(getpid()));
};

ClientSession session(const std::string& request, std::optional<Nanoseconds> lease) {
    return {.config = {}, .request = request, .lease = lease, .owner = ClientId{1}};
}

TEST_F(ClientFile, HasTheSessionsThatOutliveTheirOwners) {
    ASSERT_TRUE(save_clients(path_, {session("one", 0s), session("two", 5s), session("three", std::nullopt)}));
    const auto saved = load_clients(path_);
    ASSERT_EQ(saved.size(), 2U);
    EXPECT_EQ(saved[0].request, "two");
    EXPECT_EQ(saved[0].lease, Nanoseconds(5s));
    EXPECT_EQ(saved[1].request, "three");
    EXPECT_EQ(saved[1].lease, std::nullopt);
}

TEST_F(ClientFile, GoesWithTheLastOfThem) {
    ASSERT_TRUE(save_clients(path_, {session("two", 5s)}));
    ASSERT_TRUE(save_clients(path_, {session("one", 0s)}));
    EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(ClientFile, ThatCannotBeWrittenIsAnError) {
    const auto saved = save_clients("/proc/no/such/file", {session("two", 5s)});
    ASSERT_FALSE(saved);
    EXPECT_THAT(saved.error().message, testing::HasSubstr("the sessions of clients will not outlive this process"));
    EXPECT_THAT(saved.error().message, testing::HasSubstr("/proc/no/such/file"));
}

TEST_F(ClientFile, NonsenseIsNone) {
    for (const char* text : {"", "{", "{}", "7", "[1]", R"([{"lease_ns": 1}])", R"([{"request": 1}])"}) {
        std::ofstream(path_) << text;
        EXPECT_TRUE(load_clients(path_).empty()) << text;
    }
}

}  // namespace
}  // namespace sidestep
