// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Two locks. Any user may bind an abstract socket, so that one counts only if root holds it; but it belongs to the network
// namespace, wherever the holder's /run is, and older detectors know no other.
#include "detector/kernel/node_lock.hpp"

#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <iterator>
#include <memory>
#include <string_view>

#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

namespace sidestep {
namespace {

constexpr std::string_view kName("\0sidestepd", 10);
constexpr const char* kAnother = "another sidestepd is running in this network namespace";

/// "net:[4026531840]" in the name of a file.
std::string file_name_of(const std::string& netns) {
    std::string digits;
    std::ranges::copy_if(netns, std::back_inserter(digits), [](char c) { return c >= '0' && c <= '9'; });
    return digits + ".lock";
}

/// A lock in a directory that others may write to would be theirs.
Result<void> check_directory(const std::string& path) {
    std::error_code error;
    std::filesystem::create_directories(path, error);
    if (error) return fail(fmt::format("cannot create {}: {}", path, error.message()));
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) return fail_errno("cannot look at " + path);
    const bool owned = status.st_uid == 0 || status.st_uid == ::geteuid();
    if (S_ISDIR(status.st_mode) && owned && (status.st_mode & (S_IWGRP | S_IWOTH)) == 0) return {};
    return fail(path + " has to be a directory that only root can write to: remove it, it is made anew");
}

int note_holder(nl_msg* message, void* found) {
    std::array<nlattr*, UNIX_DIAG_UID + 1> attributes{};
    if (nlmsg_parse(nlmsg_hdr(message), sizeof(unix_diag_msg), attributes.data(), UNIX_DIAG_UID, nullptr) < 0)
        return NL_OK;
    auto* name = attributes[UNIX_DIAG_NAME];
    auto* uid = attributes[UNIX_DIAG_UID];
    if (name == nullptr || uid == nullptr) return NL_OK;
    const std::string_view text(static_cast<const char*>(nla_data(name)), static_cast<std::size_t>(nla_len(name)));
    if (text == kName) *static_cast<std::optional<uid_t>*>(found) = nla_get_u32(uid);
    return NL_OK;
}

/// The user whose socket has the abstract name; nullopt if the kernel does not say.
std::optional<uid_t> holder_of_name() {
    const std::unique_ptr<nl_sock, decltype(&nl_socket_free)> socket(nl_socket_alloc(), nl_socket_free);
    if (!socket || nl_connect(socket.get(), NETLINK_SOCK_DIAG) < 0) return std::nullopt;
    std::optional<uid_t> found;
    nl_socket_modify_cb(socket.get(), NL_CB_VALID, NL_CB_CUSTOM, note_holder, &found);
    unix_diag_req request{};
    request.sdiag_family = AF_UNIX;
    request.udiag_states = ~0U;
    request.udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_UID;
    if (nl_send_simple(socket.get(), SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &request, sizeof request) < 0) return found;
    (void)nl_recvmsgs_default(socket.get());
    return found;
}

/// The socket, or none if a user holds the name who cannot run a detector.
Result<Fd> take_name() {
    Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket) return fail_errno("cannot create a socket");
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::copy(kName.begin(), kName.end(), std::begin(address.sun_path));
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + kName.size());
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), length) == 0) return socket;
    if (errno != EADDRINUSE) return fail_errno("cannot take the lock of this network namespace");
    const auto user = holder_of_name();
    if (!user || *user == 0 || *user == ::geteuid()) return fail(std::string(kAnother) + ": stop it first");
    spdlog::warn("user {} holds the abstract socket @sidestepd, which detectors use: find out why", *user);
    return Fd();
}

}  // namespace

Result<NamespaceLock> NamespaceLock::take(const LockHolder& holder, const std::string& directory) {
    if (auto checked = check_directory(directory); !checked) return std::unexpected(checked.error());
    const auto path = directory + "/" + file_name_of(holder.netns);
    auto file = LockFile::take(path, holder);
    if (!file) return std::unexpected(file.error());
    if (!*file) {
        const auto other = LockFile::holder_of(path);
        return fail(fmt::format("{} ({}): stop it first", kAnother, other ? other->to_string() : "it is starting"));
    }
    auto socket = take_name();
    if (!socket) {
        (*file)->remove();
        return std::unexpected(socket.error());
    }
    return NamespaceLock(std::move(**file), std::move(*socket));
}

}  // namespace sidestep
