// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "common/run_directory.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace sidestep {
namespace {

bool is_letter_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

constexpr std::string_view kSocket = ".sock";

}  // namespace

bool is_node_name(std::string_view name) {
    return !name.empty() && name.size() <= kLongestNodeName && is_letter_or_digit(name.front()) &&
           std::ranges::all_of(name, [](char c) { return is_letter_or_digit(c) || c == '.' || c == '-'; });
}

std::string reading_socket(std::string_view socket) {
    if (!socket.ends_with(kSocket)) return std::string(socket);
    socket.remove_suffix(kSocket.size());
    return fmt::format("{}.read", socket);
}

Result<NodePaths> RunDirectory::of(std::string_view node) const {
    if (!is_node_name(node)) return fail(fmt::format("'{}' cannot be the name of a node", node));
    const auto socket = fmt::format("{}/{}{}", path_, node, kSocket);
    return NodePaths{.socket = socket,
                     .reading = reading_socket(socket),
                     .state = fmt::format("{}/{}.state", path_, node),
                     .events = fmt::format("{}/{}.events", path_, node),
                     .clients = fmt::format("{}/{}.clients", path_, node),
                     .bfd = fmt::format("{}/{}.bfd", path_, node),
                     .lock = fmt::format("{}/{}.lock", path_, node),
                     .pins = fmt::format("{}/{}", bpffs(), node)};
}

}  // namespace sidestep
