// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reading files: regular ones only, never more than fits, and never a wait.
#include "common/file.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "common/fd.hpp"

namespace sidestep {
namespace {

class File : public testing::Test {
  protected:
    void SetUp() override {
        std::string name = testing::TempDir() + "sidestep-file-XXXXXX";
        ASSERT_NE(mkdtemp(name.data()), nullptr);
        folder_ = name;
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    [[nodiscard]] std::string in_folder(const std::string& name) const { return folder_ + "/" + name; }
    [[nodiscard]] std::string written(const std::string& text) const {
        std::ofstream(in_folder("f")) << text;
        return in_folder("f");
    }

    std::string folder_;
};

std::string error_of(const std::string& path, std::size_t most = kLargestFile) {
    const auto text = read_file(path, most);
    return text ? "read" : text.error().message;
}

TEST_F(File, IsReadWhole) {
    const auto text = std::string("a\0b\n", 4) + std::string(200'000, 'x');
    EXPECT_EQ(read_file(written(text)).value(), text);
    EXPECT_EQ(read_file(written("")).value(), "");
}

TEST_F(File, WithoutASizeIsReadToItsEnd) {
    EXPECT_THAT(read_file("/proc/self/status").value(), testing::HasSubstr("Pid:"));
}

TEST_F(File, MissingIsAnError) {
    EXPECT_EQ(error_of("/nonexistent"), "/nonexistent: No such file or directory");
}

TEST_F(File, OtherKindsAreRefusedByName) {
    EXPECT_EQ(error_of("/"), "/: Is a directory");
    EXPECT_EQ(error_of("/dev/zero"), "/dev/zero: not a regular file but a character device");
    EXPECT_EQ(error_of("/dev/null"), "/dev/null: not a regular file but a character device");
}

TEST_F(File, AFifoIsRefusedWithoutWaitingForItsWriter) {
    const auto fifo = in_folder("fifo");
    ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
    EXPECT_EQ(error_of(fifo), fifo + ": not a regular file but a FIFO");
}

TEST_F(File, ASocketIsRefused) {
    const auto path = in_folder("s");
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    ASSERT_LT(path.size(), sizeof address.sun_path);
    path.copy(address.sun_path, path.size());
    const Fd fd(socket(AF_UNIX, SOCK_STREAM, 0));
    ASSERT_EQ(bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(error_of(path), path + ": not a regular file but a socket");
}

TEST_F(File, TooLargeIsRefused) {
    const auto path = written("12345");
    EXPECT_EQ(read_file(path, 5).value(), "12345");
    EXPECT_EQ(error_of(path, 4), path + ": larger than 4 bytes, the most that is read");
    std::filesystem::resize_file(path, kLargestFile + 1);  // a hole: takes no space
    EXPECT_EQ(error_of(path), path + ": larger than 64 MiB, the most that is read");
}

/// What /proc says is longer than its size, which is 0.
TEST_F(File, LargerThanItSaidIsRefused) {
    EXPECT_EQ(error_of("/proc/self/status", 5), "/proc/self/status: larger than 5 bytes, the most that is read");
}

TEST_F(File, UnreadableIsAnError) {
    const auto path = written("secret");
    ASSERT_EQ(chmod(path.c_str(), 0), 0);
    if (access(path.c_str(), R_OK) == 0) GTEST_SKIP() << "this user may read every file";
    EXPECT_EQ(error_of(path), path + ": Permission denied");
}

TEST_F(File, ASecretIsItsOwnersAlone) {
    const auto path = written("hush");
    ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
    EXPECT_EQ(read_secret(path).value(), "hush");
    ASSERT_EQ(::chmod(path.c_str(), 0400), 0);
    EXPECT_EQ(read_secret(path).value(), "hush");
    for (const mode_t mode : {0640U, 0604U, 0620U, 0601U}) {
        ASSERT_EQ(::chmod(path.c_str(), mode), 0);
        const auto refused = read_secret(path);
        ASSERT_FALSE(refused);
        EXPECT_THAT(refused.error().message, testing::HasSubstr("others than its owner may use it (mode 06"));
    }
}

}  // namespace
}  // namespace sidestep
