// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reading regular files, and nothing that only looks like one.
#include "common/file.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "common/fd.hpp"

namespace sidestep {
namespace {

const char* kind_of(mode_t mode) {
    if (S_ISFIFO(mode)) return "a FIFO";
    if (S_ISSOCK(mode)) return "a socket";
    if (S_ISCHR(mode)) return "a character device";
    if (S_ISBLK(mode)) return "a block device";
    return "something else";
}

std::string size_text(std::size_t bytes) {
    constexpr std::size_t kMebibyte = std::size_t{1} << 20U;
    return bytes % kMebibyte == 0 ? fmt::format("{} MiB", bytes / kMebibyte) : fmt::format("{} bytes", bytes);
}

std::unexpected<Error> too_large(const std::string& path, std::size_t most) {
    return fail(fmt::format("{}: larger than {}, the most that is read", path, size_text(most)));
}

Result<void> check_kind(const std::string& path, const struct stat& status, std::size_t most) {
    if (S_ISDIR(status.st_mode)) return fail_errno(path, EISDIR);
    if (!S_ISREG(status.st_mode)) {
        return fail(fmt::format("{}: not a regular file but {}", path, kind_of(status.st_mode)));
    }
    if (static_cast<std::uint64_t>(status.st_size) > most) return too_large(path, most);
    return {};
}

/// Files of /proc have no size: the end is where read() says so.
Result<std::string> read_all(const std::string& path, int fd, std::size_t expected, std::size_t most) {
    std::string text;
    text.reserve(std::min(expected, most) + 1);
    std::array<char, 65536> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): read() fills it
    for (;;) {
        const auto got = ::read(fd, buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail_errno(path);
        if (got == 0) return text;
        if (text.size() + static_cast<std::size_t>(got) > most) return too_large(path, most);
        text.append(buffer.data(), static_cast<std::size_t>(got));
    }
}

struct OpenFile {
    Fd fd;
    struct stat status {};
};

Result<OpenFile> open_regular(const std::string& path, std::size_t most) {
    OpenFile file;
    // To open some devices is to act on them, and a socket cannot be opened at all: the kind is asked for before.
    if (::stat(path.c_str(), &file.status) != 0) return fail_errno(path);
    if (const auto fine = check_kind(path, file.status, most); !fine) return std::unexpected(fine.error());
    // The file may have become another one since then. O_NONBLOCK: to open a FIFO would wait for its writer.
    file.fd = Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!file.fd || ::fstat(file.fd.get(), &file.status) != 0) return fail_errno(path);
    if (const auto fine = check_kind(path, file.status, most); !fine) return std::unexpected(fine.error());
    return file;
}

/// `path` is the name that people know the file by.
Result<void> write_all(const std::string& path, const std::string& draft, std::string_view text, mode_t mode) {
    const Fd fd(::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd || ::fchmod(fd.get(), mode) != 0) return fail_errno(path);
    while (!text.empty()) {
        const auto written = ::write(fd.get(), text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return fail_errno(path);
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    if (::fsync(fd.get()) != 0) return fail_errno(path);
    return {};
}

}  // namespace

Result<void> replace_file(const std::string& path, std::string_view text, mode_t mode) {
    const auto draft = path + ".new";
    auto written = write_all(path, draft, text, mode);
    if (written && ::rename(draft.c_str(), path.c_str()) != 0) written = fail_errno(path);
    if (!written) ::unlink(draft.c_str());
    return written;
}

Result<std::string> read_file(const std::string& path, std::size_t most) {
    const auto file = open_regular(path, most);
    if (!file) return std::unexpected(file.error());
    return read_all(path, file->fd.get(), static_cast<std::size_t>(file->status.st_size), most);
}

Result<std::string> read_secret(const std::string& path, std::size_t most) {
    const auto file = open_regular(path, most);
    if (!file) return std::unexpected(file.error());
    const auto& [fd, status] = *file;
    constexpr mode_t kOthers = S_IRWXG | S_IRWXO;
    if ((status.st_mode & kOthers) != 0)
        return fail(fmt::format("{}: others than its owner may use it (mode {:04o}): chmod 600 {}", path,
                                status.st_mode & ~static_cast<mode_t>(S_IFMT), path));
    if (status.st_uid != 0 && status.st_uid != ::geteuid())
        return fail(fmt::format("{}: belongs to user {}, which is neither root nor the user of this program", path,
                                status.st_uid));
    return read_all(path, fd.get(), static_cast<std::size_t>(status.st_size), most);
}

Result<std::string> read_input(const std::string& path, std::size_t most) {
    if (path == "-") return read_all("standard input", STDIN_FILENO, 0, most);
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0 || !S_ISFIFO(status.st_mode)) return read_file(path, most);
    const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    return fd ? read_all(path, fd.get(), 0, most) : Result<std::string>(fail_errno(path));
}

std::string why_not_run(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return errno == EACCES ? "" : std::strerror(errno);
    if (!S_ISREG(status.st_mode)) return "it is no regular file";
    return (status.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) == 0 ? "it may not be executed (chmod +x)" : "";
}

std::vector<std::string> paths_with(const std::string& folder, std::string_view extension) {
    std::vector<std::string> found;
    std::error_code ignored;
    for (std::filesystem::directory_iterator entry(folder, ignored), end; entry != end; entry.increment(ignored)) {
        if (entry->path().extension() == extension) found.push_back(entry->path());
    }
    std::ranges::sort(found);
    return found;
}

}  // namespace sidestep
