// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Making the API's socket.
#include "detector/app/api_socket.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <grp.h>
#include <unistd.h>

namespace sidestep {
namespace {

constexpr std::size_t kGroupBytes = 64 << 10;                            // of a group's members
constexpr std::size_t kLongestPath = sizeof(sockaddr_un::sun_path) - 1;  // it ends in a zero

Fd unix_socket() {
    return Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

const sockaddr* plain(const sockaddr_un& address) {
    return reinterpret_cast<const sockaddr*>(&address);
}

Result<sockaddr_un> address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() > kLongestPath) {
        return fail(
            fmt::format("the path of the socket has {} bytes, and {} at most are possible: use a shorter --run-dir: {}",
                        path.size(), kLongestPath, path));
    }
    std::ranges::copy(path, address.sun_path);
    return address;
}

/// Removes the socket of a dead process; whatever else is at `path` stays, and is an error.
Result<void> make_room(const std::string& path) {
    struct stat file {};
    if (::lstat(path.c_str(), &file) < 0) {
        if (errno == ENOENT) return {};
        return fail_errno("cannot look at " + path);
    }
    if (!S_ISSOCK(file.st_mode))
        return fail(path + " is in the way and not a socket: move it, or use another --run-dir");
    const auto listening = somebody_listens(path);
    if (!listening) return std::unexpected(listening.error());
    if (*listening) return fail("another sidestepd answers at " + path + ": stop it first");
    if (::unlink(path.c_str()) < 0) return fail_errno("cannot remove " + path + ", which nobody listens at");
    return {};
}

}  // namespace

Result<Fd> listen_privately(const std::string& path) {
    const auto address = address_of(path);
    if (!address) return std::unexpected(address.error());
    if (auto room = make_room(path); !room) return std::unexpected(room.error());

    auto socket = unix_socket();
    if (!socket) return fail_errno("cannot make a Unix socket");
    // bind() gives the file the mode of the socket, less the umask (unix_bind_bsd in net/unix/af_unix.c): the file never
    // has another mode. Changing the umask would reach the files of other threads; chmod() after bind() goes by a path,
    // which may lead elsewhere by then.
    if (::fchmod(socket.get(), 0600) < 0) return fail_errno("cannot make the socket private");
    if (::bind(socket.get(), plain(*address), sizeof *address) < 0 || ::listen(socket.get(), SOMAXCONN) < 0)
        return fail_errno("cannot listen at " + path);
    return socket;
}

Result<void> open_to_group(const std::string& path, const std::string& group) {
    std::array<char, kGroupBytes> names{};
    struct group entry {};
    struct group* found = nullptr;
    if (::getgrnam_r(group.c_str(), &entry, names.data(), names.size(), &found) != 0 || found == nullptr)
        return fail(fmt::format("no group '{}' on this machine: make it, or leave it out", group));
    // The folder is ours: nobody else can put another file there.
    if (::lchown(path.c_str(), static_cast<uid_t>(-1), found->gr_gid) < 0)
        return fail_errno(
            fmt::format("cannot give {} to the group {}, which must be one of the detector's own", path, group));
    if (::chmod(path.c_str(), 0660) < 0) return fail_errno("cannot open " + path + " to its group");
    return {};
}

Result<bool> somebody_listens(const std::string& path) {
    const auto address = address_of(path);
    if (!address) return std::unexpected(address.error());
    const auto socket = unix_socket();
    if (!socket) return fail_errno("cannot make a Unix socket");
    // EAGAIN: somebody listens, and has more clients waiting than it accepts.
    if (::connect(socket.get(), plain(*address), sizeof *address) == 0 || errno == EAGAIN) return true;
    if (errno == ECONNREFUSED) return false;
    return fail_errno("cannot tell who listens at " + path);
}

}  // namespace sidestep
