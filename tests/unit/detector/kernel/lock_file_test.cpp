// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/kernel/lock_file.hpp"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

namespace sidestep {
namespace {

namespace fs = std::filesystem;

class Lock : public testing::Test {
  protected:
    void TearDown() override { fs::remove(path_); }
    Result<std::optional<LockFile>> take(const std::string& node = "A") {
        return LockFile::take(path_, LockHolder::self(node, "run"));
    }
    const std::string path_ = fs::temp_directory_path() / ("sidestep-lock-" + std::to_string(getpid()));
};

TEST_F(Lock, IsForOneAndTellsWhoHasIt) {
    auto first = take();
    ASSERT_TRUE(first && *first);
    const auto second = take("B");
    ASSERT_TRUE(second);
    EXPECT_FALSE(*second);
    const auto holder = LockFile::holder_of(path_);
    ASSERT_TRUE(holder);
    EXPECT_EQ(holder->node, "A");
    EXPECT_EQ(holder->pid, ::getpid());
    EXPECT_EQ(holder->run_directory, (fs::current_path() / "run").string());
    EXPECT_TRUE(holder->netns.starts_with("net:[")) << holder->netns;
    first->reset();
    EXPECT_EQ(LockFile::holder_of(path_)->node, "A") << "had it last";
    EXPECT_TRUE(*take("B"));
    EXPECT_EQ(LockFile::holder_of(path_)->node, "B");
}

TEST_F(Lock, IsPrivateAndGoneOnceItIsRemoved) {
    auto lock = take();
    ASSERT_TRUE(lock && *lock);
    EXPECT_EQ(fs::status(path_).permissions() & fs::perms(0777), fs::perms(0600));
    (*lock)->remove();
    EXPECT_FALSE(fs::exists(path_));
    (*lock)->remove();
}

TEST_F(Lock, FollowsNoLinkAndReadsNoNonsense) {
    const auto elsewhere = path_ + ".elsewhere";
    std::ofstream(elsewhere) << "text";
    fs::create_symlink(elsewhere, path_);
    EXPECT_FALSE(take());
    fs::remove(path_);
    fs::rename(elsewhere, path_);
    EXPECT_FALSE(LockFile::holder_of(path_));
    EXPECT_FALSE(LockFile::holder_of(path_ + ".none"));
    EXPECT_TRUE(*take());
}

}  // namespace
}  // namespace sidestep
