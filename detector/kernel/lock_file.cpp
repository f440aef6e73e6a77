// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/kernel/lock_file.hpp"

#include <sys/file.h>
#include <sys/stat.h>

#include <filesystem>
#include <map>
#include <sstream>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "common/file.hpp"

namespace sidestep {
namespace {

constexpr std::size_t kLargestText = 8192;  // bytes; a path has 4,096 at most

std::string text_of(const LockHolder& holder) {
    return fmt::format("pid {}\nnetns {}\nnode {}\nrun-directory {}\n", holder.pid, holder.netns, holder.node,
                       holder.run_directory);
}

/// A file may have been removed between its opening and its locking: what is locked then is no longer the file.
bool is_at(int file, const std::string& path) {
    struct stat opened {};
    struct stat present {};
    return ::fstat(file, &opened) == 0 && ::lstat(path.c_str(), &present) == 0 && opened.st_dev == present.st_dev &&
           opened.st_ino == present.st_ino;
}

/// The lock holds without it: on a full disk nobody learns who has it.
void write_text(int file, const std::string& text) {
    if (::ftruncate(file, 0) == 0) (void)!::pwrite(file, text.data(), text.size(), 0);
}

}  // namespace

LockHolder LockHolder::self(const std::string& node, const std::string& run_directory) {
    std::error_code unknown;
    return {.node = node,
            .run_directory = std::filesystem::absolute(run_directory, unknown).lexically_normal().string(),
            .netns = std::filesystem::read_symlink("/proc/thread-self/ns/net", unknown).string(),
            .pid = ::getpid()};
}

std::string LockHolder::to_string() const {
    return fmt::format("{}, pid {}, network namespace {}, run directory {}", node.empty() ? "a flush" : "node " + node,
                       pid, netns, run_directory);
}

Result<std::optional<LockFile>> LockFile::take(const std::string& path, const LockHolder& holder) {
    for (;;) {
        Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
        if (!file) return fail_errno("cannot open the lock " + path);
        if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
            if (errno == EWOULDBLOCK) return std::nullopt;
            return fail_errno("cannot lock " + path);
        }
        if (!is_at(file.get(), path)) continue;
        write_text(file.get(), text_of(holder));
        return LockFile(path, std::move(file));
    }
}

std::optional<LockHolder> LockFile::holder_of(const std::string& path) {
    const auto text = read_file(path, kLargestText);
    if (!text) return std::nullopt;
    std::map<std::string, std::string> values;
    std::istringstream lines(*text);
    for (std::string line; std::getline(lines, line);) {
        const auto space = line.find(' ');
        if (space != std::string::npos) values[line.substr(0, space)] = line.substr(space + 1);
    }
    if (values["netns"].empty()) return std::nullopt;
    return LockHolder{.node = values["node"],
                      .run_directory = values["run-directory"],
                      .netns = values["netns"],
                      .pid = std::atoi(values["pid"].c_str())};
}

void LockFile::remove() {
    if (!file_) return;
    ::unlink(path_.c_str());
    file_.reset();
}

}  // namespace sidestep
