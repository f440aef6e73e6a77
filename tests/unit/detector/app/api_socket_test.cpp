// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The sockets of the API: who may use them, and whose remains are replaced.
#include "detector/app/api_socket.hpp"

#include <sys/stat.h>

#include <fstream>

#include <gmock/gmock.h>
#include <grp.h>
#include <gtest/gtest.h>

#include "detector/app/api_server.hpp"
#include "tests/unit/detector/app/api_client.hpp"

namespace sidestep {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

using ApiSocketTest = ApiTest;

TEST_F(ApiSocketTest, TheSocketIsPrivateWhateverTheUmask) {
    const auto before = umask(0);
    start();
    EXPECT_EQ(umask(before), 0U) << "other threads create files, too";
    struct stat file {};
    ASSERT_EQ(::stat(path_.c_str(), &file), 0);
    EXPECT_EQ(file.st_mode & 0777, 0600U);
}

TEST_F(ApiSocketTest, QuestionsHaveASocketAndARoomOfTheirOwn) {
    start({.clients = 3, .readers = 1});
    const auto reading = folder_ + "/A.read";
    ASSERT_TRUE(server_->listen_for_questions(reading, [](const json&, ConnectionId) {
        return json{{"of", "reader"}};
    }));
    ApiClient reader(reading);
    reader.ask(json::object());
    EXPECT_EQ(lines(reader, 1), std::vector<json>({{{"of", "reader"}}}));
    ApiClient second(reading);
    EXPECT_EQ(lines(second, 1).at(0).value("error", ""),
              "1 clients are connected already: try again when one has gone");
    ApiClient operating(path_);
    operating.ask({{"n", 1}});
    EXPECT_EQ(lines(operating, 1).at(0).contains("echo"), true) << "readers keep nobody out";
    reader.hang_up();
    ASSERT_TRUE(wait_until([&] { return closed_.size() == 1; }));
    ApiClient third(reading);
    third.ask(json::object());
    EXPECT_EQ(lines(third, 1), std::vector<json>({{{"of", "reader"}}}));
    server_.reset();
    EXPECT_FALSE(std::filesystem::exists(reading));
}

TEST_F(ApiSocketTest, ASocketIsOpenedToAGroupThatExists) {
    start();
    const auto unknown = open_to_group(path_, "no-such-group");
    ASSERT_FALSE(unknown);
    EXPECT_THAT(unknown.error().message, HasSubstr("no group 'no-such-group'"));
    const auto* own = ::getgrgid(::getegid());
    if (own == nullptr) GTEST_SKIP() << "this process's group has no name";
    ASSERT_TRUE(open_to_group(path_, own->gr_name));
    struct stat file {};
    ASSERT_EQ(::stat(path_.c_str(), &file), 0);
    EXPECT_EQ(file.st_mode & 0777, 0660U);
    EXPECT_EQ(file.st_gid, ::getegid());
}

TEST_F(ApiSocketTest, ReplacesTheSocketOfTheDeadOnly) {
    const auto problem = [&](const std::string& path) {
        auto server = ApiServer::listen(loop_, path, answer);
        return server ? "" : server.error().message;
    };
    start();
    EXPECT_EQ(problem(path_), "another sidestepd answers at " + path_ + ": stop it first");
    EXPECT_TRUE(ApiClient(path_).send("{}\n")) << "the one that lives is not disturbed";

    const auto dead = folder_ + "/dead.sock";
    const auto aside = folder_ + "/aside";
    {
        auto server = ApiServer::listen(loop_, dead, answer);
        ASSERT_TRUE(server);
        std::filesystem::rename(dead, aside);
    }
    std::filesystem::rename(aside, dead);
    EXPECT_EQ(problem(dead), "");

    const auto file = folder_ + "/file.sock";
    std::ofstream(file) << "important";
    EXPECT_THAT(problem(file), HasSubstr("not a socket"));
    EXPECT_EQ(std::filesystem::file_size(file), 9);

    const auto endless = folder_ + "/" + std::string(108, 'x');
    EXPECT_THAT(problem(endless), HasSubstr("107"));
    EXPECT_THAT(problem(endless), HasSubstr(endless));
}

}  // namespace
}  // namespace sidestep
